// Patience with gc and rebuilds, which have the repository to themselves for a while.
#pragma once

#include "appliance/backup/host_calls.h"
#include "appliance/backup/limits.h"

#include "appliance/jobs/job.h"

#include "base/clock.h"
#include "base/error.h"

namespace entrepot::backup {

/// Repeats `act` while it throws Error{busy}, up to limits::kRepositoryWaitMax.
template <typename Act>
auto when_repository_is_free(HostRun& run, const Act& act) -> decltype(act()) {
    const SteadyTime begin = run.now();
    PollPauses pauses{run, run.pace().export_poll};
    bool is_told = false;
    for (;;) {
        try {
            return act();
        } catch (const Error& error) {
            if (error.code() != ErrorCode::busy) throw;
            if (run.now() - begin >= limits::kRepositoryWaitMax) throw;
            if (!is_told) run.note("waiting: " + error.message());
        }
        is_told = true;
        pauses.wait();
    }
}

/// For a job amid its work: repeats `act` while it throws Error{busy}, up to the same limit.
template <typename Act>
auto wait_for_repository(Clock& clock, jobs::JobContext& job, const Act& act) -> decltype(act()) {
    const SteadyTime begin = clock.steady_now();
    bool is_told = false;
    for (;;) {
        try {
            return act();
        } catch (const Error& error) {
            if (error.code() != ErrorCode::busy) throw;
            if (clock.steady_now() - begin >= limits::kRepositoryWaitMax) throw;
            if (!is_told) job.note("waiting: " + error.message());
        }
        is_told = true;
        job.sleep_for(limits::kRepositoryRetry);
    }
}

/// For the beginning of a job that has done nothing yet: busy puts it back into the queue.
template <typename Act>
auto queue_until_repository_is_free(const Act& act) -> decltype(act()) {
    try {
        return act();
    } catch (const Error& error) {
        if (error.code() != ErrorCode::busy) throw;
        throw jobs::Deferral{error.message(), limits::kRepositoryRetry};
    }
}

}  // namespace entrepot::backup
