// Blocks are turned into bytes here, and nowhere else.
#include "storage/guest/file_extents.h"

#include <algorithm>

namespace entrepot::guest {

void read_through(const std::vector<FileExtent>& extents, const disk::DiskSource& volume,
                  const BlockGeometry& geometry, std::uint64_t offset, MutableByteView target) {
    std::ranges::fill(target, std::byte{0});
    const std::uint64_t block_bytes = geometry.block_bytes;
    const std::uint64_t end = offset + target.size();
    const auto is_before = [&](const FileExtent& extent, std::uint64_t at) {
        return (extent.first_block + extent.block_count) * block_bytes <= at;
    };
    auto extent = std::lower_bound(extents.begin(), extents.end(), offset, is_before);
    for (; extent != extents.end() && extent->first_block * block_bytes < end; ++extent) {
        const std::uint64_t extent_begin = extent->first_block * block_bytes;
        const std::uint64_t from = std::max(offset, extent_begin);
        const std::uint64_t to = std::min(end, extent_begin + extent->block_count * block_bytes);
        volume.read(extent->volume_block * block_bytes + (from - extent_begin),
                    target.subspan(static_cast<std::size_t>(from - offset),
                                   static_cast<std::size_t>(to - from)));
    }
}

}  // namespace entrepot::guest
