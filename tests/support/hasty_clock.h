// A clock for tests with a real host process: nobody sleeps longer than a moment, yet deadlines
// pass.
#pragma once

#include "base/clock.h"

#include <algorithm>
#include <atomic>

namespace entrepot::test {

/// Wall time is the system's, so that it fits the host's. Safe to share.
class HastyClock final : public Clock {
public:
    WallTime wall_now() override { return system_.wall_now(); }
    SteadyTime steady_now() override {
        return system_.steady_now() + std::chrono::milliseconds{skipped_.load()};
    }
    void sleep_for(std::chrono::milliseconds duration, std::stop_token stop) override {
        const auto real = std::min(duration, kLongest);
        skipped_ += (duration - real).count();
        system_.sleep_for(real, std::move(stop));
    }

private:
    static constexpr std::chrono::milliseconds kLongest{4};

    SystemClock system_;
    std::atomic<std::chrono::milliseconds::rep> skipped_{0};
};

}  // namespace entrepot::test
