// Where users were lately: their connections are the last to be ended when a crowd comes (F-WB-09).
#pragma once

#include "base/clock.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>

namespace entrepot::daemon {

/// Safe to share between threads.
class KnownAddresses {
public:
    static constexpr std::size_t kCountMax = 1'000;
    static constexpr std::chrono::hours kMemory{12};

    explicit KnownAddresses(Clock& clock) : clock_(clock) {}

    /// Somebody with a session or a token asked from there. The one that was not used for longest
    /// is forgotten where there are too many.
    void remember(const std::string& address);
    bool has(const std::string& address) const;

private:
    Clock& clock_;
    mutable std::mutex mutex_;
    std::map<std::string, SteadyTime> used_;
};

}  // namespace entrepot::daemon
