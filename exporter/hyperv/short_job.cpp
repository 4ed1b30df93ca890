// See short_job.h.
#include "exporter/hyperv/short_job.h"

#include "base/error.h"
#include "exporter/hyperv/hresult.h"

#include <fmt/format.h>

#include <chrono>

namespace entrepot::hyperv {
namespace {

constexpr std::chrono::milliseconds kPoll{500};
constexpr int kPollsMax = 120;

}  // namespace

void wait_for_short_job(const ShortWait& wait, std::string_view method, const JobRef& job) {
    for (int poll = 0; poll < kPollsMax; ++poll) {
        const JobStatus status = wait.jobs.read(job);
        if (status.state == JobState::completed || status.state == JobState::vanished) return;
        if (status.state == JobState::failed) {
            throw Error{ErrorCode::host_failure,
                        fmt::format("{} failed at the host with error code {}, {}; the host "
                                    "says: {}",
                                    method, explain_return_code(status.error_code),
                                    explain(status.hresult), status.error_text),
                        hint_for(status.hresult)};
        }
        wait.clock.sleep_for(kPoll, wait.stop);
        if (wait.stop.stop_requested()) throw Error{ErrorCode::cancelled, "cancelled"};
    }
    throw Error{ErrorCode::timeout, fmt::format("{} does not end at the host", method)};
}

}  // namespace entrepot::hyperv
