// Reads the parts of one VM's or planned VM's settings (hyperv-wmi 3): by the association, or out
// of the flat lists where a host takes no queries.
#pragma once

#include "exporter/cim/wmi_namespace.h"
#include "exporter/hyperv/hyperv_host.h"
#include "exporter/hyperv/vm_hardware.h"

#include <string>
#include <string_view>
#include <vector>

namespace entrepot::hyperv {

class HardwareReader {
public:
    explicit HardwareReader(cim::WmiNamespace& wmi) : wmi_(wmi) {}

    VmHardware read(const std::string& settings_id);
    /// Without VirtualDiskId and sizes.
    std::vector<Disk> read_disks(const std::string& settings_id);
    std::vector<VirtualSwitch> list_switches();

private:
    /// Empty where the host does not know the class.
    std::vector<cim::Instance> list_parts(const std::string& settings_id,
                                          std::string_view class_name);
    /// The same out of the list of all.
    std::vector<cim::Instance> list_own(const std::string& settings_id,
                                        std::string_view class_name);
    std::vector<cim::Instance> list_known(std::string_view class_name);
    std::vector<NetworkAdapter> read_adapters(const std::string& settings_id);

    cim::WmiNamespace& wmi_;
};

}  // namespace entrepot::hyperv
