// The first step: what is there on the host, what of it we back up, full or incremental and why.
#pragma once

#include "appliance/backup/admission.h"
#include "appliance/backup/run.h"

#include "exporter/hyperv/hyperv_host.h"

#include <vector>

namespace entrepot::backup {

/// Journals the plan and returns it in run.plan(). Destroys recovery snapshots of ours that an
/// earlier run left. With an admission, what it throws ends the step before anything is journalled.
/// Throws Error{conflict} for a recovery snapshot of somebody else, Error{busy}
/// for a VM that the host is working on, Error{unsupported} for a VM that can't be exported.
class PlanStep {
public:
    explicit PlanStep(Run& run, Admission* admission = nullptr)
        : run_(run), admission_(admission) {}
    void run();

private:
    hyperv::Vm find_vm();
    void check_vm(const hyperv::Vm& vm) const;
    void wait_until_idle(hyperv::Vm& vm);
    void clear_snapshots(const hyperv::Vm& vm);

    Run& run_;
    Admission* admission_;
};

/// Fills disks, exclusions and what is skipped, with reasons. Error{unsupported} if nothing is
/// left.
void plan_disks(Run& run, RunPlan& plan, const hyperv::Vm& vm);

/// The points of the run's VM on its host, oldest first.
std::vector<repository::PointSummary> list_points_of_vm(const Services& services,
                                                        const std::string& host_id,
                                                        const std::string& vm_id);

/// Flag of a VM whose living reference point belonged to a point that was deleted.
inline constexpr std::string_view kLostBaseFlag = "lost_base";

}  // namespace entrepot::backup
