// See known_addresses.h.
#include "appliance/daemon/known_addresses.h"

#include <algorithm>

namespace entrepot::daemon {

void KnownAddresses::remember(const std::string& address) {
    const std::scoped_lock lock{mutex_};
    used_[address] = clock_.steady_now();
    if (used_.size() <= kCountMax) return;
    used_.erase(
        std::ranges::min_element(used_, {}, [](const auto& entry) { return entry.second; }));
}

bool KnownAddresses::has(const std::string& address) const {
    const std::scoped_lock lock{mutex_};
    const auto found = used_.find(address);
    return found != used_.end() && clock_.steady_now() - found->second < kMemory;
}

}  // namespace entrepot::daemon
