// See unwritten_blocks.h.
#include "storage/disk/unwritten_blocks.h"

#include "storage/disk/image_context.h"
#include "storage/disk/vhdx_image.h"

namespace entrepot::disk {

UnwrittenBlocks find_unwritten_blocks(const DiskImage& image) {
    UnwrittenBlocks found;
    const auto* vhdx = dynamic_cast<const vhdx::VhdxImage*>(&image);
    if (vhdx == nullptr) return found;
    with_image("checking", image.file().path(), [&] { found = vhdx->find_unwritten_blocks(); });
    // The end of a fixed image is the end of the disk, which is often empty.
    if (image.info().type == ImageType::fixed) found.ends_in_zeros = false;
    return found;
}

}  // namespace entrepot::disk
