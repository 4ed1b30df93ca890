// Identifiers and object paths as Hyper-V forms them (hyperv-wmi.md section 1).
#pragma once

#include "tests/hostsim/host/model.h"

#include <string>
#include <vector>

namespace entrepot::hostsim {

/// A GUID that a text always gives.
Guid guid_of(const std::string& text);

/// "Microsoft:<GUID>"
std::string settings_id(const std::string& guid);
/// The GUID of "Microsoft:<GUID>" or "Microsoft:<GUID>\..."; empty for anything else.
std::string guid_of_settings_id(const std::string& instance_id);
/// "Microsoft:<owner>\<controller GUID>"
std::string controller_id(const std::string& owner, const Vm& vm, const VmDisk& disk);
struct Controller {
    std::string id;
    bool is_ide = false;
    int number = 0;
};
/// All of a VM's controllers: SCSI first, then the two of IDE that generation 1 has.
std::vector<Controller> list_controllers(const std::string& owner, const Vm& vm);
std::string scsi_controller_id(const std::string& owner, const Vm& vm, int number);
/// "Microsoft:<owner>\<controller GUID>\<number>\<location>" with \D or \L.
std::string slot_id(const std::string& owner, const Vm& vm, const VmDisk& disk);
std::string disk_instance_id(const std::string& owner, const Vm& vm, const VmDisk& disk);

/// "Microsoft:<owner>\<adapter GUID>", and with \C for its connection.
std::string adapter_id(const std::string& owner, const NetworkAdapter& adapter);
std::string connection_id(const std::string& owner, const NetworkAdapter& adapter);
std::string security_id(const std::string& owner);

ObjectRef planned_ref(const std::string& vm_id);
ObjectRef switch_ref(const std::string& switch_id);
ObjectRef vm_ref(const std::string& vm_id);
ObjectRef settings_ref(const std::string& guid);
ObjectRef job_ref(const Job& job);
ObjectRef reference_point_ref(const ReferencePoint& point);
/// Any object of one key.
ObjectRef simple_ref(const std::string& class_name, const std::string& instance_id);

}  // namespace entrepot::hostsim
