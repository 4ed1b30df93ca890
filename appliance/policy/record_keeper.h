// How long the records of ended jobs stay: without an end the state database, which is copied into
// the repository every day, would grow for ever.
#pragma once

#include "appliance/state/state.h"

#include "base/clock.h"
#include "base/log.h"

#include <chrono>
#include <cstddef>
#include <thread>

namespace entrepot::policy {

struct RecordKeeperOptions {
    std::chrono::days job_age_max{90};
    std::size_t job_count_max = 20'000;
    std::chrono::milliseconds interval{std::chrono::hours{1}};
};

/// Removes old jobs with their events and journals. Stays what somebody may still ask: the jobs of
/// a VM of which something is left on its host (their journals prove that it is ours), and all
/// since the oldest policy run began that is not over (it looks for its jobs).
class RecordKeeper {
public:
    /// What is passed must outlive it.
    RecordKeeper(Clock& clock, Log& log, state::State& state, const RecordKeeperOptions& options)
        : clock_(clock), log_(log), state_(state), options_(options) {}
    ~RecordKeeper();  ///< As stop().

    void start();
    void stop();
    /// Returns how many jobs were removed.
    std::size_t run_once();

private:
    Clock& clock_;
    Log& log_;
    state::State& state_;
    RecordKeeperOptions options_;
    std::jthread thread_;
};

}  // namespace entrepot::policy
