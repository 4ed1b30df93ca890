// Time, as an interface.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace entrepot {

/// Wall time, UTC.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
/// Time that only goes forward, for durations and deadlines.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

class Clock {
public:
    virtual ~Clock() = default;
    virtual WallTime wall_now() = 0;
    virtual SteadyTime steady_now() = 0;
    /// Returns after the duration, or at once when stop is requested: ask the token which.
    virtual void sleep_for(std::chrono::milliseconds duration, std::stop_token stop) = 0;
};

class SystemClock final : public Clock {
public:
    WallTime wall_now() override;
    SteadyTime steady_now() override;
    void sleep_for(std::chrono::milliseconds duration, std::stop_token stop) override;
};

/// A clock that moves only when told, or when somebody sleeps on it. For tests; safe to share.
class ManualClock final : public Clock {
public:
    explicit ManualClock(WallTime start) : wall_(start) {}
    WallTime wall_now() override;
    SteadyTime steady_now() override;
    void sleep_for(std::chrono::milliseconds duration, std::stop_token stop) override;
    void advance(std::chrono::milliseconds duration);

private:
    std::mutex mutex_;
    WallTime wall_;
    SteadyTime steady_{};
};

/// RFC 3339 in UTC with milliseconds: "2026-01-31T08:15:00.000Z".
std::string format_time(WallTime time);

/// Parses RFC 3339 with any offset and up to nine fraction digits; nullopt for anything else.
std::optional<WallTime> parse_time(std::string_view text);

}  // namespace entrepot
