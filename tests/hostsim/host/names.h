// Identifiers and object paths as Hyper-V forms them (hyperv-wmi.md section 1).
#pragma once

#include "tests/hostsim/host/model.h"

#include <string>

namespace entrepot::hostsim {

/// "Microsoft:<GUID>"
std::string settings_id(const std::string& guid);
/// The GUID of "Microsoft:<GUID>" or "Microsoft:<GUID>\..."; empty for anything else.
std::string guid_of_settings_id(const std::string& instance_id);
/// "Microsoft:<owner>\<controller GUID>"
std::string controller_id(const std::string& owner, const Vm& vm, const VmDisk& disk);
/// "Microsoft:<owner>\<controller GUID>\<number>\<location>" with \D or \L.
std::string slot_id(const std::string& owner, const Vm& vm, const VmDisk& disk);
std::string disk_instance_id(const std::string& owner, const Vm& vm, const VmDisk& disk);

ObjectRef vm_ref(const std::string& vm_id);
ObjectRef settings_ref(const std::string& guid);
ObjectRef job_ref(const Job& job);
ObjectRef reference_point_ref(const ReferencePoint& point);
/// Any object of one key.
ObjectRef simple_ref(const std::string& class_name, const std::string& instance_id);

}  // namespace entrepot::hostsim
