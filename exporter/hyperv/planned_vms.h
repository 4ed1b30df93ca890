// Planned VMs, and VMs by what tells whose they are (hyperv-wmi 2.2, 6.1).
#pragma once

#include "exporter/cim/wmi_namespace.h"
#include "exporter/hyperv/hardware_reader.h"
#include "exporter/hyperv/restore_host.h"

#include <optional>
#include <string>
#include <vector>

namespace entrepot::hyperv {

class PlannedVms {
public:
    PlannedVms(cim::WmiNamespace& wmi, HardwareReader& hardware) : wmi_(wmi), hardware_(hardware) {}

    std::vector<PlannedVm> list();
    std::optional<PlannedVm> find(const std::string& id);
    std::vector<VmIdentity> list_vm_identities();

private:
    cim::WmiNamespace& wmi_;
    HardwareReader& hardware_;
};

}  // namespace entrepot::hyperv
