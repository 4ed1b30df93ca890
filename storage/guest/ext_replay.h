// ext3 and ext4 as they are once their journal is replayed: in memory, over a disk that stays as it
// is.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/guest/ext_fast_replay.h"
#include "storage/guest/journal_overlay.h"
#include "storage/guest/sector_overlay.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace entrepot::guest {

struct ExtReplayed {
    ExtReplayed(const disk::DiskSource& disk, std::uint32_t block_bytes,
                std::vector<MovedBlock> moved)
        : transactions(disk, block_bytes, std::move(moved)), volume(transactions) {}

    JournalOverlay transactions;  ///< What the whole ones leave.
    SectorOverlay volume;         ///< And what came after them.
    ExtFastChanges fast;
    std::string damage;  ///< Why the journal's end is not in it, for people; empty: it is.
};

/// nullptr where the file system was unmounted in order, or has no journal. Files that were open
/// when they were deleted, or became shorter, and wait for Linux to free their blocks (the list of
/// orphans) need nothing here: no folder names the former, and the latter have their new length.
/// Error{unsupported}, Error{corrupt} or Error{limit} where the journal is not understood at all.
std::unique_ptr<ExtReplayed> replay_ext_journal(const disk::DiskSource& volume);

}  // namespace entrepot::guest
