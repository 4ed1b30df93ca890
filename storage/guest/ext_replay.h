// ext3 and ext4 as they are once their journal is replayed: in memory, over a disk that stays as it
// is.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/guest/journal_overlay.h"

#include <memory>
#include <string>

namespace entrepot::guest {

struct ExtReplayed {
    JournalOverlay volume;
    std::string damage;  ///< Why the journal's end is not in it, for people; empty: it is.
};

/// nullptr where the file system was unmounted in order, or has no journal. Files that were open
/// when they were deleted, or became shorter, and wait for Linux to free their blocks (the list of
/// orphans) need nothing here: no folder names the former, and the latter have their new length.
/// Error{unsupported}, Error{corrupt} or Error{limit} where the journal is not understood at all.
std::unique_ptr<ExtReplayed> replay_ext_journal(const disk::DiskSource& volume);

}  // namespace entrepot::guest
