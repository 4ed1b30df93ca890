// The blocks of a file as a list, which ext4 and XFS have alike once their trees are read.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/guest_model/content_place.h"

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace entrepot::guest {

struct BlockGeometry {
    std::uint32_t block_bytes = 0;
    std::uint64_t block_count = 0;  ///< Of the file system.
};

/// Blocks one after another, in the file and in the volume.
struct FileExtent {
    std::uint64_t first_block = 0;  ///< In the file.
    std::uint64_t block_count = 0;
    std::uint64_t volume_block = 0;
    bool operator==(const FileExtent&) const = default;
};

/// Fills the target with a file's bytes from `offset` on; what no extent has is zeros. Requires
/// that the extents are in the file's order and lie in the volume.
void read_through(const std::vector<FileExtent>& extents, const disk::DiskSource& volume,
                  const BlockGeometry& geometry, std::uint64_t offset, MutableByteView target);

/// As FileContent::locate() of a file of so many bytes.
std::vector<ContentPlace> locate_in(const std::vector<FileExtent>& extents,
                                    const BlockGeometry& geometry, std::uint64_t size_bytes,
                                    std::uint64_t offset, std::size_t count_max);

}  // namespace entrepot::guest
