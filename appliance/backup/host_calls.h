// Asking a host to act, and waiting for its jobs: patient with silence, never blind.
#pragma once

#include "appliance/backup/host_run.h"

#include "exporter/hyperv/hyperv_host.h"

#include "base/error.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace entrepot::backup {

class Run;

/// The pauses of one wait: short at first, since most jobs are, then longer up to a bound.
class PollPauses {
public:
    PollPauses(HostRun& run, std::chrono::milliseconds longest)
        : run_(run), pause_(std::min(run.pace().first_poll, longest)), longest_(longest) {}
    /// Throws as Run::sleep_for.
    void wait();

private:
    HostRun& run_;
    std::chrono::milliseconds pause_;
    std::chrono::milliseconds longest_;
};

/// True if the error leaves unknown whether the host did what it was asked.
bool is_answer_lost(const Error& error);

/// What came of a call that acts.
struct Asked {
    std::optional<hyperv::JobRef> job;  ///< Journalled already.
    std::optional<Error> refusal;       ///< The host said no. Neither: look at its objects.
};

/// Calls once and journals the job. Error{cancelled} passes.
Asked ask(HostRun& run, std::string_view job_key, const std::function<hyperv::JobRef()>& call);

/// Repeats a call that only reads while the host does not answer, up to Pace::silence_max.
template <typename Read>
auto read_patiently(HostRun& run, const Read& read) -> decltype(read()) {
    const SteadyTime begin = run.now();
    for (;;) {
        try {
            return read();
        } catch (const Error& error) {
            const bool may_recover =
                error.code() == ErrorCode::unreachable || error.code() == ErrorCode::timeout;
            if (!may_recover || run.now() - begin >= run.pace().silence_max) throw;
        }
        run.sleep_for(run.pace().short_poll);
    }
}

/// Waits for a short job: snapshot, convert, destroy. Throws Error{timeout} after
/// Pace::short_job_max. The state is never `running`.
hyperv::JobStatus wait_for_job(HostRun& run, const hyperv::JobRef& job);

/// Returns when the share's file server answers: at once where somebody else serves it and it does
/// not, else after up to Pace::server_max, since ours is started again when it dies. Errors as
/// FileServer::check_running.
void await_file_server(Run& run);

/// "0x80070070: the disk is full (words of the host)".
std::string describe_failure(const hyperv::JobStatus& status);
/// The same as an error of the host, with a hint if we know one.
Error failure_of(const hyperv::JobStatus& status, const std::string& what);

/// Asks `is_true` until it is or `patience` is over; at least once.
bool wait_until(HostRun& run, std::chrono::milliseconds patience,
                const std::function<bool()>& is_true);

/// Takes away one object that can be listed: looks before each time it asks, and afterwards. Throws
/// Error{host_failure} if it is still there.
void destroy_object(HostRun& run, const std::string& what, const std::function<bool()>& is_there,
                    const std::function<hyperv::JobRef()>& start);

}  // namespace entrepot::backup
