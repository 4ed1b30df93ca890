// A clock that moves only when told, and that somebody can set: wall time then jumps, forward or
// back, and the steady clock does not notice.
#pragma once

#include "base/clock.h"

#include <atomic>
#include <chrono>
#include <utility>

namespace entrepot::test {

/// Safe to share between threads.
class JumpingClock final : public Clock {
public:
    explicit JumpingClock(WallTime start) : clock_(start) {}

    WallTime wall_now() override {
        return clock_.wall_now() + std::chrono::milliseconds{jumped_.load()};
    }
    SteadyTime steady_now() override { return clock_.steady_now() - restarted_; }
    void sleep_for(std::chrono::milliseconds duration, std::stop_token stop) override {
        clock_.sleep_for(duration, std::move(stop));
    }

    void advance(std::chrono::milliseconds duration) { clock_.advance(duration); }
    void jump(std::chrono::milliseconds by) { jumped_ += by.count(); }
    /// As when the machine starts: the steady clock begins anew. Requires that nobody uses it.
    void restart_machine() { restarted_ = clock_.steady_now().time_since_epoch(); }

private:
    ManualClock clock_;
    std::atomic<std::chrono::milliseconds::rep> jumped_{0};
    std::chrono::nanoseconds restarted_{0};
};

}  // namespace entrepot::test
