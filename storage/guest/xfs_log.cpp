// A clean log has the record of an unmount before its head, and nothing else in that record.
#include "storage/guest/xfs_log.h"

#include "storage/guest/xfs_log_ring.h"

#include "base/bytes.h"

namespace entrepot::guest {
namespace {

// Of an operation: its transaction, its length, who wrote it, what it is.
constexpr std::size_t kOperationFlagsOffset = 9;
constexpr std::uint32_t kIsUnmount = 0x20;

bool is_clean(const XfsLogRing& ring) {
    if (!ring.was_ever_written()) return true;
    const std::uint64_t head = ring.find_head();
    const auto last = ring.find_last(head);
    if (!last || last->operation_count != 1) return false;
    if ((last->block + last->block_count()) % ring.block_count() != head) return false;
    const auto content = ring.read_content(*last);
    return content && content->size() > kOperationFlagsOffset &&
           (std::to_integer<std::uint32_t>((*content)[kOperationFlagsOffset]) & kIsUnmount) != 0;
}

}  // namespace

XfsLog read_xfs_log(const XfsVolume& volume) {
    if (volume.geometry().log_block == 0) return XfsLog::outside;
    const auto ring = XfsLogRing::find(volume);
    return ring && is_clean(*ring) ? XfsLog::clean : XfsLog::in_use;
}

}  // namespace entrepot::guest
