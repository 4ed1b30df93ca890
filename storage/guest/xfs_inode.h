// An inode of XFS: what a file is, and the beginning of where its content lies. Follows "XFS
// Algorithms & Data Structures", chapter 16, and for what is younger (big times, large counts)
// Linux, fs/xfs/libxfs/xfs_format.h.
#pragma once

#include "storage/guest/xfs_volume.h"
#include "storage/guest_model/file_entry.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <cstdint>
#include <optional>

namespace entrepot::guest {

/// How an inode keeps its content.
enum class XfsFork : std::uint8_t { device = 0, local = 1, extents = 2, tree = 3 };

struct XfsInode {
    std::uint64_t number = 0;
    std::uint32_t generation = 0;  ///< Another one for each use of the number.
    FileKind kind = FileKind::other;
    unsigned file_type = 0;  ///< As folders tell it; see kXfsTypes.
    std::uint64_t size = 0;
    std::optional<WallTime> modified;
    bool is_realtime = false;  ///< Its content lies on another device.
    XfsFork fork = XfsFork::device;
    std::uint64_t extent_count = 0;
    std::uint64_t block_count = 0;  ///< All that belong to it.
    Bytes fork_bytes;               ///< The part of the inode that `fork` tells of.
};

/// Error{corrupt} for a number that leads to no file, and for one that is damaged.
XfsInode read_xfs_inode(const XfsVolume& volume, std::uint64_t number);

}  // namespace entrepot::guest
