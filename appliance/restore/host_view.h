// Reading what a preflight needs of a host.
#pragma once

#include "appliance/restore/preflight.h"

#include "exporter/hyperv/hyperv_host.h"
#include "exporter/hyperv/restore_host.h"

namespace entrepot::restore {

HostView read_host_view(hyperv::HyperVHost& host, hyperv::RestoreHost& importer,
                        const Target& target);

/// Names of other hosts that had a VM of this id when they were last asked.
std::vector<std::string> list_other_hosts(const backup::Services& services,
                                          const std::string& host_id, const std::string& vm_id);

}  // namespace entrepot::restore
