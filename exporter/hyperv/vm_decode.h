// VMs and their parts out of the instances that a host shows. Texts of people are data; what
// decides are numbers and GUIDs, since captions are localized.
#pragma once

#include "exporter/cim/instance.h"
#include "exporter/hyperv/hyperv_host.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace entrepot::hyperv {

/// GUIDs and names in any case.
bool is_same_id(const std::string& left, const std::string& right);
/// A VM's name is a GUID, the host's own is none. A planned VM is of another class.
bool is_vm(const cim::Instance& system);
/// The name of an EnabledState; both families of values are in use (hyperv-wmi 2.1).
std::string state_name(std::uint16_t enabled_state);
/// What Msvm_ComputerSystem tells.
Vm decode_system(const cim::Instance& system);
/// What the settings of type System:Realized add.
void decode_configuration(const cim::Instance& settings, Vm& vm);

bool is_snapshot(const cim::Instance& settings);
Snapshot decode_snapshot(const cim::Instance& settings);
ReferencePoint decode_reference_point(const cim::Instance& instance);
IntegrationService decode_integration(const cim::Instance& component, std::string_view name);

/// Drives and the controllers that they hang on; network adapters and the like are not.
bool is_about_disks(const cim::Instance& resource);

/// "vhd", "vhdx", "vhds" of Msvm_VirtualHardDiskSettingData.Format; empty for any other number.
std::string format_name(std::uint16_t format);

}  // namespace entrepot::hyperv
