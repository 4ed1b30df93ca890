// The metadata of XFS as it is once its log is replayed: in memory, over a disk that stays as it
// is.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/guest/sector_overlay.h"
#include "storage/guest/xfs_volume.h"

#include <cstdint>
#include <memory>
#include <set>

namespace entrepot::guest {

struct XfsReplayed {
    explicit XfsReplayed(const disk::DiskSource& disk) : metadata(disk) {}
    SectorOverlay metadata;
    /// Inodes of which the log begins a change that it does not end: the kernel would end it.
    std::set<std::uint64_t> unfinished_inodes;
};

/// Replays what the log holds. Error{unsupported} for version 4, which cannot tell what is newer,
/// and for a log of another machine; Error{corrupt}, Error{limit}.
std::unique_ptr<XfsReplayed> replay_xfs_log(const XfsVolume& volume);

}  // namespace entrepot::guest
