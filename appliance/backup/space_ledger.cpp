// See space_ledger.h.
#include "appliance/backup/space_ledger.h"

#include <algorithm>
#include <utility>

namespace entrepot::backup {

std::uint64_t SpaceLedger::count_outstanding(const std::string& share) const {
    std::uint64_t sum = 0;
    for (const auto& [number, entry] : entries_) {
        if (entry.share == share) sum += entry.bytes - std::min(entry.bytes, entry.written());
    }
    return sum;
}

std::uint64_t SpaceLedger::outstanding(const std::string& share) {
    const std::scoped_lock lock{mutex_};
    return count_outstanding(share);
}

// Requires the lock.
std::unique_ptr<SpaceLedger::Promise> SpaceLedger::add(Entry entry) {
    const std::uint64_t number = next_number_++;
    entries_.emplace(number, std::move(entry));
    return std::make_unique<Promise>(*this, number);
}

std::unique_ptr<SpaceLedger::Promise> SpaceLedger::try_promise(
    const std::string& share, std::uint64_t bytes, std::uint64_t free,
    std::function<std::uint64_t()> written) {
    const std::scoped_lock lock{mutex_};
    const std::uint64_t outstanding = count_outstanding(share);
    if (free < bytes || free - bytes < outstanding) return nullptr;
    return add({share, bytes, std::move(written)});
}

std::unique_ptr<SpaceLedger::Promise> SpaceLedger::promise(const std::string& share,
                                                           std::uint64_t bytes,
                                                           std::function<std::uint64_t()> written) {
    const std::scoped_lock lock{mutex_};
    return add({share, bytes, std::move(written)});
}

void SpaceLedger::release(std::uint64_t number) {
    const std::scoped_lock lock{mutex_};
    entries_.erase(number);
}

}  // namespace entrepot::backup
