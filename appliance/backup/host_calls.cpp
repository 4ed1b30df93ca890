// See host_calls.h.
#include "appliance/backup/host_calls.h"

#include "appliance/backup/run.h"

#include "exporter/hyperv/hresult.h"

#include <fmt/format.h>

namespace entrepot::backup {

using hyperv::JobState;
using hyperv::JobStatus;

namespace {

constexpr int kDestroyAttemptsMax = 3;

}  // namespace

bool is_answer_lost(const Error& error) {
    switch (error.code()) {
        case ErrorCode::timeout:
        case ErrorCode::unreachable:
        case ErrorCode::protocol:
        case ErrorCode::io:
            return true;
        case ErrorCode::usage:
        case ErrorCode::invalid:
        case ErrorCode::not_found:
        case ErrorCode::already_exists:
        case ErrorCode::conflict:
        case ErrorCode::busy:
        case ErrorCode::locked:
        case ErrorCode::unsupported:
        case ErrorCode::corrupt:
        case ErrorCode::parent_missing:
        case ErrorCode::parent_mismatch:
        case ErrorCode::no_space:
        case ErrorCode::permission_denied:
        case ErrorCode::unauthenticated:
        case ErrorCode::access_denied:
        case ErrorCode::untrusted:
        case ErrorCode::host_failure:
        case ErrorCode::limit:
        case ErrorCode::cancelled:
        case ErrorCode::internal:
            return false;
    }
    return false;
}

Asked ask(HostRun& run, std::string_view job_key, const std::function<hyperv::JobRef()>& call) {
    Asked asked;
    try {
        asked.job = call();
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) throw;
        if (!is_answer_lost(error)) asked.refusal = error;
        return asked;
    }
    run.journal().put(job_key, asked.job->to_json());
    return asked;
}

void PollPauses::wait() {
    run_.sleep_for(pause_);
    pause_ = std::min(pause_ * 2, longest_);
}

JobStatus wait_for_job(HostRun& run, const hyperv::JobRef& job) {
    const SteadyTime begin = run.now();
    PollPauses pauses{run, run.pace().short_poll};
    for (;;) {
        const JobStatus status = read_patiently(run, [&] { return run.host().read_job(job); });
        if (status.state != JobState::running) return status;
        if (run.now() - begin >= run.pace().short_job_max) {
            throw Error{ErrorCode::timeout,
                        fmt::format("the host's job {} did not end within {} minutes",
                                    job.instance_id, run.pace().short_job_max.count()),
                        "Look at the VM's state in Hyper-V Manager; a backup may be hanging in "
                        "the guest's VSS."};
        }
        pauses.wait();
    }
}

std::string describe_failure(const JobStatus& status) {
    if (status.hresult != 0) {
        const std::string code = hyperv::explain(status.hresult);
        return status.error_text.empty() ? code : fmt::format("{} ({})", code, status.error_text);
    }
    if (status.error_code != 0) {
        const std::string code = hyperv::explain_return_code(status.error_code);
        return status.error_text.empty() ? code : fmt::format("{} ({})", code, status.error_text);
    }
    return status.error_text.empty() ? fmt::format("job state {}", status.raw_state)
                                     : status.error_text;
}

Error failure_of(const JobStatus& status, const std::string& what) {
    return Error{ErrorCode::host_failure, fmt::format("{}: {}", what, describe_failure(status)),
                 hyperv::hint_for(status.hresult)};
}

bool wait_until(HostRun& run, std::chrono::milliseconds patience,
                const std::function<bool()>& is_true) {
    const SteadyTime begin = run.now();
    PollPauses pauses{run, run.pace().short_poll};
    for (;;) {
        if (is_true()) return true;
        if (run.now() - begin >= patience) return false;
        pauses.wait();
    }
}

void destroy_object(HostRun& run, const std::string& what, const std::function<bool()>& is_there,
                    const std::function<hyperv::JobRef()>& start) {
    std::string last_failure = "the host says nothing about it";
    for (int attempt = 0; attempt < kDestroyAttemptsMax; ++attempt) {
        if (!is_there()) return;
        try {
            const hyperv::JobStatus status = wait_for_job(run, start());
            if (status.state == hyperv::JobState::failed) last_failure = describe_failure(status);
        } catch (const Error& error) {
            if (error.code() == ErrorCode::cancelled) throw;
            last_failure = error.message();
        }
        if (wait_until(run, run.pace().appear_max, [&] { return !is_there(); })) return;
    }
    throw Error{ErrorCode::host_failure,
                fmt::format("{} is still on the host: {}", what, last_failure)};
}

void await_file_server(Run& run) {
    share::FileServer* server = run.file_server();
    if (server == nullptr) return;
    const SteadyTime begin = run.now();
    PollPauses pauses{run, run.pace().short_poll};
    for (;;) {
        try {
            server->check_running(run.stop());
            return;
        } catch (const Error& error) {
            const bool may_recover =
                run.share().is_managed() &&
                (error.code() == ErrorCode::unreachable || error.code() == ErrorCode::timeout);
            if (!may_recover || run.now() - begin >= run.pace().server_max) throw;
        }
        pauses.wait();
    }
}

}  // namespace entrepot::backup
