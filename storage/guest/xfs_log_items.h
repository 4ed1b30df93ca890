// What the log of XFS holds and what may not be in its place yet: the items of transactions that
// were ended. Follows "XFS Algorithms & Data Structures", chapter 14, "Log Operations" and "Log
// Items".
#pragma once

#include "storage/guest/xfs_log_ring.h"

#include "base/bytes.h"

#include <cstdint>
#include <vector>

namespace entrepot::guest {

/// A change: the first region says of what, the others are bytes of it.
struct XfsLogItem {
    std::uint16_t type = 0;
    std::vector<Bytes> regions;
};

struct XfsLogTransaction {
    std::uint64_t sequence = 0;  ///< Of the record in which it began.
    std::vector<XfsLogItem> items;
};

/// In the order in which they ended. What the log's end cut off is not there, as if it had never
/// been. Error{corrupt} for a log that no kernel wrote, Error{limit} for one that is too large to
/// be held, Error{unsupported} for one of another kind of machine.
std::vector<XfsLogTransaction> read_xfs_transactions(const XfsLogRing& ring);

}  // namespace entrepot::guest
