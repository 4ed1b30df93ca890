// See unwritten_blocks.h.
#include "storage/disk/unwritten_blocks.h"

#include "storage/disk/image_context.h"
#include "storage/disk/vhdx_image.h"

namespace entrepot::disk {

UnwrittenBlocks find_unwritten_blocks(const DiskImage& image) {
    UnwrittenBlocks found;
    const auto* vhdx = dynamic_cast<const vhdx::VhdxImage*>(&image);
    if (vhdx == nullptr || image.info().type == ImageType::fixed) return found;
    with_image("checking", image.file().path(), [&] { found = vhdx->find_unwritten_blocks(); });
    return found;
}

}  // namespace entrepot::disk
