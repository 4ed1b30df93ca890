// The blocks of ext4 files, read by ourselves: The Sleuth Kit 4.11 refuses every tree of extents
// that has two leaf blocks, and cuts block numbers to 32 bits.
#pragma once

#include "storage/disk/disk_source.h"

#include "base/bytes.h"

#include <cstdint>
#include <vector>

namespace entrepot::guest {

struct ExtGeometry {
    std::uint32_t block_bytes = 0;
    std::uint64_t block_count = 0;  ///< Of the file system.
};

/// Blocks one after another, in the file and in the volume.
struct ExtExtent {
    std::uint64_t first_block = 0;  ///< In the file.
    std::uint64_t block_count = 0;
    std::uint64_t volume_block = 0;
    bool operator==(const ExtExtent&) const = default;
};

/// The written extents below the root of a tree, that is an inode's 60 bytes, in the file's order.
/// What they leave out is zeros: holes, and blocks that were promised and not written.
/// Error{corrupt} for what no Linux writes; Error{limit}.
std::vector<ExtExtent> read_extents(const disk::DiskSource& volume, const ExtGeometry& geometry,
                                    ByteView root);

/// Fills the target with a file's bytes from `offset` on.
void read_through(const std::vector<ExtExtent>& extents, const disk::DiskSource& volume,
                  const ExtGeometry& geometry, std::uint64_t offset, MutableByteView target);

}  // namespace entrepot::guest
