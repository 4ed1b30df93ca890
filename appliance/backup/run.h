// One backup run in one life of the process: what its steps share.
#pragma once

#include "appliance/backup/run_journal.h"
#include "appliance/backup/run_plan.h"
#include "appliance/backup/services.h"
#include "appliance/jobs/job.h"
#include "appliance/share/export_area.h"
#include "appliance/state/hosts.h"
#include "appliance/state/shares.h"

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

class Run {
public:
    /// Connects lazily: nothing is asked of the host before host() is used. All outlive the run.
    Run(const Services& services, jobs::JobContext& job, const state::HostRecord& record,
        Stoppable stoppable);
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    const Services& services() const { return services_; }
    const Pace& pace() const { return services_.pace; }
    jobs::JobContext& job() { return job_; }
    RunJournal& journal() { return journal_; }
    const state::HostRecord& record() const { return record_; }
    hyperv::HyperVHost& host() { return *host_; }
    share::ExportArea& area() { return area_; }
    const state::ShareRecord& share() const { return share_; }
    std::stop_token stop() const;

    RunPlan& plan() { return plan_; }
    const std::string& vm_id() const { return plan_.vm_id; }

    void note(std::string_view text) { job_.note(text); }
    /// Shown in the job and kept for its result.
    void warn(const std::string& text);
    const std::vector<std::string>& warnings() const { return warnings_; }

    SteadyTime now() const { return services_.clock.steady_now(); }
    /// Throws Error{cancelled} on stop, if the run is stoppable.
    void sleep_for(std::chrono::milliseconds duration);

    /// The name that our recovery snapshots carry.
    std::string snapshot_name() const;

private:
    const Services& services_;
    jobs::JobContext& job_;
    state::HostRecord record_;
    Stoppable stoppable_;
    state::ShareRecord share_;
    share::ExportArea area_;
    RunJournal journal_;
    std::unique_ptr<hyperv::HyperVHost> host_;
    RunPlan plan_;
    std::vector<std::string> warnings_;
};

/// The options of settling, with what it does to a client written into the job.
share::SettleOptions settle_options(Run& run);

/// What our snapshots' names begin with.
inline constexpr std::string_view kSnapshotNamePrefix = "Entrepot ";

}  // namespace entrepot::backup
