// Full or incremental, and why: a pure function of the VM as it is and the points as they are.
#pragma once

#include "appliance/backup/run_plan.h"

#include "exporter/hyperv/hyperv_host.h"
#include "storage/repository/repository.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::backup {

struct BaseQuestion {
    const hyperv::Vm& vm;
    const std::vector<ExpectedDisk>& disks;  ///< That this run will bring.
    const std::vector<repository::PointSummary>&
        points;  ///< Of this VM on this host, oldest first.
    bool is_full_wanted = false;
    std::uint32_t full_every = 0;    ///< 0: never forced.
    std::string forced_full_reason;  ///< From an earlier event (restore over the VM); empty: none.
    std::string lost_base_reason;    ///< Why the living reference point's base point is gone.
};

struct Choice {
    ExportGoal goal;
    std::optional<ComparisonPlan> comparison;  ///< Only where full_every forced the full.
};

/// An incremental names its base; a full names the reason in words and as a code.
Choice choose_goal(const BaseQuestion& question);

}  // namespace entrepot::backup
