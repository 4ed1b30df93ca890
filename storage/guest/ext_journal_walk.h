// The journal of ext3 and ext4 from its oldest transaction to the last whole one. Follows "ext4
// Data Structures and Algorithms" (Linux, Documentation/filesystems/ext4), Journal (jbd2).
#pragma once

#include "storage/guest/ext_journal_ring.h"
#include "storage/guest/journal_overlay.h"

#include <cstdint>
#include <string>
#include <vector>

namespace entrepot::guest {

struct JournalChanges {
    std::vector<MovedBlock> moved;  ///< In the order of blocks, each once.
    std::uint32_t next_sequence = 0;
    /// Why what follows is not here, for people; empty: nothing whole follows.
    std::string damage;
};

/// A transaction that is not whole is the last one, as for Linux: it was being written. One that
/// was ended and is damaged is too, and that is told. Error{limit}.
JournalChanges walk_ext_journal(const disk::DiskSource& volume, JournalRing& ring);

}  // namespace entrepot::guest
