// Failures by account and by address; see throttle.h.
#include "appliance/access/throttle.h"

#include "appliance/access/limits.h"

#include <algorithm>
#include <functional>

namespace entrepot::access {
namespace {

using std::chrono::seconds;

constexpr int kDoublingsMax = 20;

// With its length before it, so that no two pairs are alike.
std::string pair_of(const std::string& account, const std::string& address) {
    return std::to_string(account.size()) + ":" + account + address;
}

}  // namespace

seconds SignInThrottle::wait_of(const Entries& entries, const std::string& name, seconds delay_max,
                                SteadyTime now) {
    const auto found = entries.find(name);
    if (found == entries.end()) return seconds{0};
    const int excess = found->second.failure_count - limits::kFailuresFree;
    if (excess < 0) return seconds{0};
    const seconds delay = std::min(seconds{1 << std::min(excess, kDoublingsMax)}, delay_max);
    const auto left = found->second.last + delay - now;
    return std::max(seconds{0}, std::chrono::ceil<seconds>(left));
}

void SignInThrottle::count_failure(Entries& entries, const std::string& name, SteadyTime now) {
    std::erase_if(
        entries, [&](const auto& item) { return now - item.second.last > limits::kFailureMemory; });
    if (entries.size() >= limits::kThrottleEntriesMax && !entries.contains(name)) {
        // Whoever has the fewest failures is forgotten first.
        entries.erase(
            std::min_element(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
                return a.second.failure_count < b.second.failure_count;
            }));
    }
    Entry& entry = entries[name];
    ++entry.failure_count;
    entry.last = now;
}

seconds SignInThrottle::begin_try(const std::string& account, const std::string& address) {
    const std::scoped_lock lock{mutex_};
    const SteadyTime now = clock_.steady_now();
    const bool is_known = known_.contains(pair_of(account, address));
    const seconds wait = std::max(
        wait_of(addresses_, address, limits::kSourceDelayMax, now),
        is_known ? seconds{0} : wait_of(accounts_, account, limits::kAccountDelayMax, now));
    if (wait > seconds{0}) return wait;
    count_failure(addresses_, address, now);
    count_failure(accounts_, account, now);
    return seconds{0};
}

std::vector<SignInThrottle::Suspect> SignInThrottle::list_suspects() {
    const std::scoped_lock lock{mutex_};
    const SteadyTime now = clock_.steady_now();
    std::vector<Suspect> suspects;
    const auto add = [&](const Entries& entries, Suspect::Kind kind) {
        for (const auto& [name, entry] : entries) {
            const bool is_recent = now - entry.last <= limits::kFailureMemory;
            if (!is_recent || entry.failure_count < limits::kFailuresSuspicious) continue;
            suspects.push_back({kind, name, entry.failure_count});
        }
    };
    add(addresses_, Suspect::Kind::address);
    add(accounts_, Suspect::Kind::account);
    std::ranges::stable_sort(suspects, std::ranges::greater{}, &Suspect::failure_count);
    if (suspects.size() > limits::kSuspectsMax) suspects.resize(limits::kSuspectsMax);
    return suspects;
}

void SignInThrottle::forgive(const std::string& account, const std::string& address) {
    const std::scoped_lock lock{mutex_};
    addresses_.erase(address);
    accounts_.erase(account);
    if (known_.size() >= limits::kThrottleEntriesMax) known_.clear();
    known_[pair_of(account, address)] = {1, clock_.steady_now()};
}

}  // namespace entrepot::access
