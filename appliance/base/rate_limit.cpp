// Whoever takes bytes moves the moment at which the next ones may go, and then waits for its own.
#include "base/rate_limit.h"

#include <algorithm>
#include <chrono>

namespace entrepot {
namespace {

/// Sleeps are not exact: those that are shorter are made up for by a later one.
constexpr std::chrono::milliseconds kSleepMin{5};
/// The longest that one piece may block, whatever its size and the rate.
constexpr double kSecondsMax = 3600;

std::chrono::nanoseconds duration_of(std::uint64_t bytes, std::uint64_t bytes_per_second) {
    const double seconds = static_cast<double>(bytes) / static_cast<double>(bytes_per_second);
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>{std::min(seconds, kSecondsMax)});
}

}  // namespace

void RateLimit::take(std::uint64_t bytes, const std::stop_token& stop) {
    if (outer_ != nullptr) outer_->take(bytes, stop);
    const std::uint64_t bytes_per_second = bytes_per_second_;
    if (bytes_per_second > 0) wait_for_own(bytes, bytes_per_second, stop);
}

void RateLimit::wait_for_own(std::uint64_t bytes, std::uint64_t bytes_per_second,
                             const std::stop_token& stop) {
    SteadyTime due;
    {
        const std::lock_guard lock{mutex_};
        next_ = std::max(next_, clock_.steady_now()) + duration_of(bytes, bytes_per_second);
        due = next_;
    }
    const auto rest =
        std::chrono::duration_cast<std::chrono::milliseconds>(due - clock_.steady_now());
    if (rest >= kSleepMin) clock_.sleep_for(rest, stop);
}

}  // namespace entrepot
