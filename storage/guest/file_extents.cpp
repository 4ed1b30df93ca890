// Blocks are turned into bytes here, and nowhere else.
#include "storage/guest/file_extents.h"

#include <algorithm>

namespace entrepot::guest {
namespace {

std::vector<FileExtent>::const_iterator find_extent(const std::vector<FileExtent>& extents,
                                                    std::uint64_t block_bytes,
                                                    std::uint64_t offset) {
    const auto is_before = [&](const FileExtent& extent, std::uint64_t at) {
        return (extent.first_block + extent.block_count) * block_bytes <= at;
    };
    return std::lower_bound(extents.begin(), extents.end(), offset, is_before);
}

}  // namespace

void read_through(const std::vector<FileExtent>& extents, const disk::DiskSource& volume,
                  const BlockGeometry& geometry, std::uint64_t offset, MutableByteView target) {
    std::ranges::fill(target, std::byte{0});
    const std::uint64_t block_bytes = geometry.block_bytes;
    const std::uint64_t end = offset + target.size();
    auto extent = find_extent(extents, block_bytes, offset);
    for (; extent != extents.end() && extent->first_block * block_bytes < end; ++extent) {
        const std::uint64_t extent_begin = extent->first_block * block_bytes;
        const std::uint64_t from = std::max(offset, extent_begin);
        const std::uint64_t to = std::min(end, extent_begin + extent->block_count * block_bytes);
        volume.read(extent->volume_block * block_bytes + (from - extent_begin),
                    target.subspan(static_cast<std::size_t>(from - offset),
                                   static_cast<std::size_t>(to - from)));
    }
}

std::vector<ContentPlace> locate_in(const std::vector<FileExtent>& extents,
                                    const BlockGeometry& geometry, std::uint64_t size_bytes,
                                    std::uint64_t offset, std::size_t count_max) {
    std::vector<ContentPlace> places;
    const std::uint64_t block_bytes = geometry.block_bytes;
    auto extent = find_extent(extents, block_bytes, offset);
    while (offset < size_bytes && places.size() < count_max) {
        const std::uint64_t begin = extent == extents.end()
                                        ? size_bytes
                                        : std::min(size_bytes, extent->first_block * block_bytes);
        if (offset < begin) {
            places.push_back({begin - offset, std::nullopt});
            offset = begin;
            continue;
        }
        const std::uint64_t end = std::min(size_bytes, begin + extent->block_count * block_bytes);
        if (offset < end) {
            places.push_back({end - offset, extent->volume_block * block_bytes + offset - begin});
            offset = end;
        }
        ++extent;
    }
    return places;
}

}  // namespace entrepot::guest
