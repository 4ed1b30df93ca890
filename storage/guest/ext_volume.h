// Where things lie in ext2/3/4, as far as its journal's reader must know it. Follows "ext4 Data
// Structures and Algorithms" (Linux, Documentation/filesystems/ext4): super block, group
// descriptors, inodes.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/guest/file_extents.h"

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>

namespace entrepot::guest {

struct ExtGeometry {
    std::uint32_t block_bytes = 0;
    std::uint64_t block_count = 0;
    std::uint32_t group_inodes = 0;
    std::uint32_t inode_count = 0;
    std::uint32_t inode_bytes = 0;
    std::uint32_t descriptor_bytes = 0;
    bool has_journal = false;
    bool needs_recovery = false;
    std::uint32_t journal_inode = 0;  ///< 0: on another device.

    BlockGeometry blocks() const { return {block_bytes, block_count}; }
};

/// Reads the superblock. Error{corrupt} if it makes no sense.
ExtGeometry read_ext_geometry(const disk::DiskSource& volume);

/// Where an inode lies, in bytes. Error{corrupt} for one that cannot be.
std::uint64_t find_ext_inode(const disk::DiskSource& volume, const ExtGeometry& geometry,
                             std::uint32_t number);

/// Where the bit lies that says whether an inode is used, in bits. Error{corrupt}, as above.
std::uint64_t find_ext_inode_bit(const disk::DiskSource& volume, const ExtGeometry& geometry,
                                 std::uint32_t number);

/// What is behind an inode's blocks, however it lists them.
struct ExtFile {
    std::uint64_t size_bytes = 0;
    std::vector<FileExtent> extents;
};

/// A regular file by its inode. Of one without a tree, at most `bytes_max` from its beginning are
/// looked for. Error{corrupt}, Error{limit}.
ExtFile read_ext_file(const disk::DiskSource& volume, const ExtGeometry& geometry,
                      std::uint32_t number, std::uint64_t bytes_max);

}  // namespace entrepot::guest
