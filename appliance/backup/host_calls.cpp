// See host_calls.h.
#include "appliance/backup/host_calls.h"

#include "exporter/hyperv/hresult.h"

#include <fmt/format.h>

namespace entrepot::backup {

using hyperv::JobState;
using hyperv::JobStatus;

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

Asked ask(Run& run, std::string_view job_key, const std::function<hyperv::JobRef()>& call) {
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

JobStatus wait_for_job(Run& run, const hyperv::JobRef& job) {
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

bool wait_until(Run& run, std::chrono::milliseconds patience,
                const std::function<bool()>& is_true) {
    const SteadyTime begin = run.now();
    PollPauses pauses{run, run.pace().short_poll};
    for (;;) {
        if (is_true()) return true;
        if (run.now() - begin >= patience) return false;
        pauses.wait();
    }
}

}  // namespace entrepot::backup
