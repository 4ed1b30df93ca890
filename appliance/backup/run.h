// One backup run in one life of the process: what its steps share.
#pragma once

#include "appliance/backup/host_run.h"
#include "appliance/backup/run_plan.h"
#include "appliance/share/export_area.h"
#include "appliance/state/shares.h"

#include <string>
#include <string_view>

namespace entrepot::backup {

class Run final : public HostRun {
public:
    Run(const Services& services, jobs::JobContext& job, const state::HostRecord& record,
        Stoppable stoppable);

    share::ExportArea& area() { return area_; }
    const state::ShareRecord& share() const { return share_; }
    /// In front of the share; nullptr where somebody else's is.
    share::FileServer* file_server() const;
    /// Names its present life; empty where it has none, or that can't be known.
    std::string file_server_life() const;
    /// What the host may occupy on the share; 0: no bound.
    std::uint64_t quota_bytes() const;

    RunPlan& plan() { return plan_; }
    const std::string& vm_id() const { return plan_.vm_id; }

    /// The name that our recovery snapshots carry.
    std::string snapshot_name();

private:
    state::ShareRecord share_;
    share::ExportArea area_;
    RunPlan plan_;
};

/// The options of settling, with what it does to a client written into the job.
share::SettleOptions settle_options(Run& run);

/// What our snapshots' names begin with; the id of the backup's job follows.
inline constexpr std::string_view kSnapshotNamePrefix = "Entrepot ";

}  // namespace entrepot::backup
