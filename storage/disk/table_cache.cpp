// Least recently used goes first. The read happens outside of the lock: two threads may read the
// same page twice, which costs less than all waiting for one.
#include "storage/disk/table_cache.h"

#include "storage/disk/limits.h"

#include <algorithm>

namespace entrepot::disk::vhdx {

TableCache::Page TableCache::page_of(std::uint64_t file_offset) const {
    const std::uint64_t number = file_offset / limits::kTablePageBytes;
    {
        const std::lock_guard lock{mutex_};
        const auto slot = slots_.find(number);
        if (slot != slots_.end()) {
            uses_.splice(uses_.begin(), uses_, slot->second.use);
            return slot->second.page;
        }
    }
    const std::uint64_t begin = number * limits::kTablePageBytes;
    const std::uint64_t size = image_.size_bytes();
    const std::uint64_t length =
        begin < size ? std::min<std::uint64_t>(limits::kTablePageBytes, size - begin) : 0;
    auto page = std::make_shared<const Bytes>(image_.read(begin, length));

    const std::lock_guard lock{mutex_};
    const auto slot = slots_.find(number);
    if (slot != slots_.end()) return slot->second.page;
    uses_.push_front(number);
    slots_.emplace(number, Slot{page, uses_.begin()});
    if (slots_.size() > limits::kTablePagesMax) {
        slots_.erase(uses_.back());
        uses_.pop_back();
    }
    return page;
}

}  // namespace entrepot::disk::vhdx
