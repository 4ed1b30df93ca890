// Runs jobs: a durable queue, bounded workers, resumption after a crash. Follows P7 of the threat
// model: after kill -9 at any instruction every job is resumed or ended, without repair by hand.
#pragma once

#include "appliance/jobs/job.h"
#include "appliance/state/jobs.h"
#include "appliance/state/journal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace entrepot::jobs {

/// What happens to a job that was running when the process died, or when it was shut down.
enum class AfterCrash {
    interrupt,  ///< It ends as interrupted.
    /// Its handler runs again with the same journal. If somebody cancelled the job before, stop()
    /// is requested from the beginning: the handler undoes what its journal tells.
    resume,
};

struct HandlerOptions {
    AfterCrash after_crash = AfterCrash::interrupt;
};

struct EngineOptions {
    std::size_t worker_count = 4;
    /// Listeners see progress of one job at most this often; a change of state at once. Progress
    /// goes to the database only with a change of stage or state.
    std::chrono::milliseconds progress_interval{200};
};

/// What the engine needs of the world and of the state. All outlive it.
struct EngineEnvironment {
    Clock& clock;
    Random& random;
    Log& log;
    state::JobStore& jobs;
    state::JournalStore& journal;
};

/// Called with a job whenever it changed, from several threads, one call at a time per engine. Its
/// events are those that are new, not all. Must be quick, must not throw and must not call the
/// engine.
using JobListener = std::function<void(const JobView&)>;

/// Listens while it lives. Must go before the engine does.
class Subscription {
public:
    virtual ~Subscription() = default;
};

/// Safe to share between threads, except for register_handler(), which comes before start().
class JobEngine {
public:
    JobEngine(const EngineEnvironment& environment, const EngineOptions& options);
    JobEngine(const JobEngine&) = delete;
    JobEngine& operator=(const JobEngine&) = delete;
    ~JobEngine();  ///< As shutdown().

    void register_handler(const std::string& kind, JobHandler handler,
                          const HandlerOptions& options = {});

    /// Settles what an earlier process left (see AfterCrash) and starts the workers. Queued jobs
    /// stay queued and run.
    void start();
    /// Asks all running jobs to stop, waits for them. A resumable job that ends because of this
    /// stays `running` in the database, and the next start() resumes it; any other becomes
    /// interrupted. Queued jobs stay queued.
    void shutdown();

    /// The job's id: 32 hexadecimal digits. Error{usage} for a kind without a handler.
    std::string enqueue(const JobRequest& request);
    /// Queued: cancelled at once. Running: its stop token fires, it ends as cancelled when its
    /// handler lets go. Error{conflict} if it has ended.
    void cancel(std::string_view id);
    /// What an ended job was asked for, to be asked again: without its once_key. Error{conflict}
    /// while it has not ended.
    JobRequest request_again(std::string_view id);

    /// With events. All calls with an id take a unique prefix of one, too. Error{not_found}.
    JobView view(std::string_view id);
    state::JobPage list(const state::JobQuery& query);
    /// Returns when the job has ended or the (real) time is over: look at the state. With events.
    JobView wait(std::string_view id, std::chrono::milliseconds timeout);

    std::unique_ptr<Subscription> subscribe(JobListener listener);

    /// Runs one job in the caller's thread, whether or not workers were started: a queued one, or a
    /// resumable one that an earlier process left running. Error{conflict} if it is in another
    /// state, Error{busy} if its exclusive key or group is in use. A
    /// std::exception from the handler ends the job as failed. Anything else that is thrown passes
    /// through and the engine writes nothing more for that job, neither row nor event: tests
    /// simulate a crash of the process this way, and then go on with a new engine over the same
    /// database. (In a worker thread such a thing ends the process, as any crash does.)
    JobView run_here(std::string_view id);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace entrepot::jobs
