// Proof that a run left the host clean: no snapshot of ours, disks merged, one reference point of
// ours. What is left is recorded with a command for a person.
#pragma once

#include "appliance/backup/run.h"

#include <string>
#include <vector>

namespace entrepot::backup {

enum class MergePatience {
    wait,  ///< Up to Pace::merge_max, switching merging on again where it is off.
    look_once,
};

class ResidueCheck {
public:
    explicit ResidueCheck(Run& run) : run_(run) {}

    /// Replaces what is recorded of the VM by what is found, and returns it.
    std::vector<state::Residue> run(MergePatience patience);

private:
    bool is_merged();
    void check_merge(MergePatience patience, std::vector<state::Residue>& found);
    void check_snapshots(std::vector<state::Residue>& found);
    void check_reference_points(std::vector<state::Residue>& found);

    Run& run_;
};

/// Ids of all reference points that our records name for the run's VM: of points, and of points
/// that were deleted.
std::vector<std::string> list_recorded_reference_points(Run& run);

/// What stands in the list of residue for a reference point of ours that is too many.
state::Residue make_reference_point_residue(const std::string& vm_id, const std::string& id);

/// Prefix of VM flags that name a reference point of a deleted point: it is to be destroyed.
inline constexpr std::string_view kObsoleteReferencePointFlag = "obsolete_reference_point:";

}  // namespace entrepot::backup
