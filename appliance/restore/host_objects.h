// Our planned VM and our VM on a host: finding them again after a crash or a lost answer. What is
// not proven to be ours is never touched.
//
// What proves it, since an import gives us no name to set:
//   - our job made it (Msvm_AffectedJobElement), or our job ended well and one new one is there;
//   - its notes hold our tag, which we write as soon as we know it;
//   - its settings name our run's folder, whose name is 128 random bits;
//   - its name is the one that we gave the snapshot from which the point's configuration was taken.
// That a single new one appeared after our call is no proof: another product imports, too.
#pragma once

#include "appliance/restore/restore_run.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::restore {

struct FoundPlanned {
    std::optional<std::string> id;            ///< Proven to be ours.
    std::vector<hyperv::PlannedVm> in_doubt;  ///< New, and maybe somebody else's.
    std::vector<std::string> more;            ///< Ours as well: an answer came late.
};

/// What an attempt at importing made. Waits up to `patience` for it to appear.
FoundPlanned find_planned_of_attempt(RestoreRun& run, int attempt, std::chrono::seconds patience);

/// The planned VM of this run, if any exists now.
FoundPlanned find_our_planned(RestoreRun& run);

std::optional<hyperv::PlannedVm> find_planned(RestoreRun& run, const std::string& id);

/// The VM that realising our planned VM made: with our tag, or of the planned VM's id where that is
/// proof: the host made the id up for our import, or its job says that it realised it.
enum class RealiseJob { unknown, ended_well };
std::optional<hyperv::VmIdentity> find_our_vm(RestoreRun& run, RealiseJob job);

std::optional<hyperv::VmIdentity> find_vm_by_id(RestoreRun& run, const std::string& id);

/// Look before they ask, and afterwards. Throw Error{host_failure} if it is still there.
void destroy_planned(RestoreRun& run, const std::string& id);
void destroy_vm(RestoreRun& run, const std::string& id);

}  // namespace entrepot::restore
