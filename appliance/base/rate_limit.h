// How fast bytes may go by, so that long work leaves a disk or a network to others.
#pragma once

#include "base/clock.h"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <stop_token>

namespace entrepot {

/// Waits so that no more than so many bytes a second are taken. What was not taken for a while is
/// not saved up: a pause is followed by the same rate. Safe to share between threads, who then have
/// the rate together.
class RateLimit {
public:
    /// 0: no bound of its own. `outer` bounds what goes through this one as well, and outlives it.
    RateLimit(Clock& clock, std::uint64_t bytes_per_second, RateLimit* outer = nullptr)
        : clock_(clock), bytes_per_second_(bytes_per_second), outer_(outer) {}

    std::uint64_t bytes_per_second() const { return bytes_per_second_; }
    /// For what goes by from now on, also of work that runs; 0: no bound of its own.
    void set_bytes_per_second(std::uint64_t bytes_per_second) {
        bytes_per_second_ = bytes_per_second;
    }

    /// To be called before or after the bytes go by. Returns early when stop is requested.
    void take(std::uint64_t bytes, const std::stop_token& stop);

private:
    void wait_for_own(std::uint64_t bytes, std::uint64_t bytes_per_second,
                      const std::stop_token& stop);

    Clock& clock_;
    std::atomic<std::uint64_t> bytes_per_second_;
    RateLimit* outer_;
    std::mutex mutex_;
    SteadyTime next_{};  ///< When the next bytes may go.
};

}  // namespace entrepot
