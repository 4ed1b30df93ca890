// The blocks of a file of ext2 and ext3, which lists them one by one. Follows "ext4 Data Structures
// and Algorithms", direct and indirect block addressing.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/guest/file_extents.h"

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace entrepot::guest {

/// Of an inode, where its blocks are listed.
inline constexpr std::size_t kExtMapBytes = 60;

/// The first `count` blocks of the file, in its order; holes are left out. Error{corrupt},
/// Error{limit}.
std::vector<FileExtent> read_block_map(const disk::DiskSource& volume,
                                       const BlockGeometry& geometry, ByteView root,
                                       std::uint64_t count);

}  // namespace entrepot::guest
