// One life of a job that works at a host: what waiting for the host and asking it share, whatever
// the job is for.
#pragma once

#include "appliance/backup/run_journal.h"
#include "appliance/backup/services.h"
#include "appliance/jobs/job.h"
#include "appliance/state/hosts.h"

#include "exporter/hyperv/hyperv_host.h"

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::backup {

/// Whether a cancelled job ends what is going on. Clean-up goes on to its end.
enum class Stoppable { yes, no };

class HostRun {
public:
    /// Connects lazily: nothing is asked of the host before host() is used. All outlive the run.
    HostRun(const Services& services, jobs::JobContext& job, const state::HostRecord& record,
            Stoppable stoppable);
    HostRun(const HostRun&) = delete;
    HostRun& operator=(const HostRun&) = delete;

    const Services& services() const { return services_; }
    const Pace& pace() const { return services_.pace; }
    jobs::JobContext& job() { return job_; }
    RunJournal& journal() { return journal_; }
    const state::HostRecord& record() const { return record_; }
    hyperv::HyperVHost& host() { return *host_; }
    std::stop_token stop() const;

    void note(std::string_view text) { job_.note(text); }
    /// Shown in the job and kept for its result.
    void warn(const std::string& text);
    const std::vector<std::string>& warnings() const { return warnings_; }
    /// Keeps what an earlier life warned of for the result: the job shows it already.
    void recall_warning(const std::string& text);

    SteadyTime now() const { return services_.clock.steady_now(); }
    /// Throws Error{cancelled} on stop, if the run is stoppable.
    void sleep_for(std::chrono::milliseconds duration);

protected:
    ~HostRun() = default;  ///< Runs are not deleted by this base.

private:
    const Services& services_;
    jobs::JobContext& job_;
    state::HostRecord record_;
    Stoppable stoppable_;
    RunJournal journal_;
    std::unique_ptr<hyperv::HyperVHost> host_;
    std::vector<std::string> warnings_;
};

}  // namespace entrepot::backup
