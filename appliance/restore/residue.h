// What a restore could not take away, or did not dare to: for a person, with a command.
#pragma once

#include "appliance/backup/services.h"

#include "exporter/hyperv/restore_host.h"

#include <string>
#include <vector>

namespace entrepot::restore {

/// A planned VM that may be ours. It is listed until it is gone.
void remember_planned_vm(const backup::Services& services, const std::string& host_id,
                         const hyperv::PlannedVm& planned, const std::string& why);

/// Forgets the planned VMs that were remembered and are no longer on the host.
void forget_settled_residue(const backup::Services& services, const std::string& host_id,
                            const std::vector<hyperv::PlannedVm>& planned);

}  // namespace entrepot::restore
