// A job: work with a journal that survives us. Handlers are written to be run again after a crash
// with the same journal; they look there, and at the world, for what was already done.
#pragma once

#include "base/clock.h"
#include "base/json.h"
#include "base/progress.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::jobs {

enum class JobState {
    queued,
    running,
    done,
    partly,  ///< Ended with a result, but some part failed (exit status 3).
    failed,
    cancelled,
    interrupted,  ///< Was running when the process died and could not be resumed.
};

std::string_view to_string(JobState state);
/// Throws Error{invalid} for a name that is none.
JobState job_state_from(std::string_view name);
/// True for a state that a job does not leave any more.
bool is_final(JobState state);

/// What a job has written down. Every put is durable when it returns.
class Journal {
public:
    virtual ~Journal() = default;
    virtual std::optional<Json> find(std::string_view key) const = 0;
    virtual void put(std::string_view key, const Json& value) = 0;
};

/// What a handler works with. Used from one thread.
class JobContext {
public:
    virtual ~JobContext() = default;
    virtual const std::string& id() const = 0;
    virtual const Json& parameters() const = 0;
    virtual Journal& journal() = 0;
    /// Names the step the job is in, for people: "export", "ingest".
    virtual void enter_stage(std::string_view stage) = 0;
    /// A sentence in the job's log that the user sees.
    virtual void note(std::string_view text) = 0;
    virtual void warn(std::string_view text) = 0;
    /// Progress of the current stage; shared lifetime with the context.
    virtual Progress& progress() = 0;
    virtual std::stop_token stop() const = 0;
    /// Throws Error{cancelled} on stop.
    virtual void sleep_for(std::chrono::milliseconds duration) = 0;
    Work work() { return Work{progress(), stop()}; }
};

struct JobOutcome {
    JobState state = JobState::done;  ///< done or partly.
    Json result = Json::object();
};

/// Thrown by a handler whose job cannot begin yet and has done nothing that would have to be
/// undone: the job goes back into the queue and is run again, at the latest after this time. Not an
/// Error, so that no layer takes it for a failure.
struct Deferral {
    std::string waiting_for;  ///< For people: "share exports has 2 GiB free, ...".
    std::chrono::milliseconds retry_after{30'000};
};

/// Thrown by a handler that is resumed after a crash, where its job waits for a person, with things
/// done that would have to be undone: the job stays `running` without a worker. Its handler runs
/// again with the same journal after this time, after a restart, and when somebody cancels it.
struct Parking {
    std::string waiting_for;
    std::chrono::milliseconds look_after{10'000};
};

/// Throws Error to fail. Error{cancelled} ends the job as cancelled, Deferral puts it off, Parking
/// lets it wait.
using JobHandler = std::function<JobOutcome(JobContext&)>;

struct JobRequest {
    std::string kind{};     ///< "backup", "ingest", "restore_disk", "verify", "prune", "gc", ...
    std::string subject{};  ///< For lists: "web01 on hv01".
    Json parameters = Json::object();
    std::string requested_by{};  ///< "command line", "policy nightly", "console".
    /// Jobs of one key never run side by side; empty: no such bound. A VM's backup uses the VM's
    /// key.
    std::string exclusive_key{};
    /// At most group_limit jobs of one group run side by side: "host:ID". Empty: no such bound.
    std::string group{};
    std::uint32_t group_limit = 0;
    /// If not empty, enqueuing a second job of the same key gives the first one's id: for callers
    /// that ask again after a crash.
    std::string once_key{};
};

struct JobError {
    std::string code{};
    std::string message{};
    std::string hint{};
    std::vector<std::string> context{};
};

struct JobEvent {
    WallTime time{};
    std::string level{};  ///< "stage", "note", "warning", "error".
    std::string text{};
};

struct JobView {
    std::string id;
    std::string kind;
    std::string subject;
    JobState state = JobState::queued;
    std::string stage;
    /// For people: why it is still queued (empty: its turn has not come), or whom it waits for
    /// while it runs.
    std::string waiting_for;
    std::uint64_t done_bytes = 0;
    std::uint64_t total_bytes = 0;  ///< 0: unknown.
    std::string requested_by;
    WallTime created{};
    std::optional<WallTime> started;
    std::optional<WallTime> ended;
    Json parameters;
    Json result;
    std::optional<JobError> error;
    std::vector<JobEvent> events;  ///< Only in a single view, not in lists.
};

}  // namespace entrepot::jobs
