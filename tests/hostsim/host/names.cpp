// Forms the identifiers.
#include "tests/hostsim/host/names.h"

#include <fmt/format.h>

namespace entrepot::hostsim {
namespace {

// Windows gives every VM's IDE controllers this id; SCSI controllers have one of their own.
constexpr const char* kIdeControllers = "83F8638B-8DCA-4152-9EDA-2CA8B33039B4";

std::string controller_guid(const Vm& vm, const VmDisk& disk) {
    if (disk.controller == "ide") return kIdeControllers;
    // The VM's own GUID with other first digits: stable, and different per controller.
    return fmt::format("{:08X}{}", 0x5C510000U + static_cast<unsigned>(disk.controller_number),
                       vm.id.substr(8));
}

std::string place(const std::string& owner, const Vm& vm, const VmDisk& disk) {
    const int number = disk.controller == "ide" ? disk.controller_number : 0;
    return fmt::format("Microsoft:{}\\{}\\{}\\{}", owner, controller_guid(vm, disk), number,
                       disk.location);
}

}  // namespace

std::string settings_id(const std::string& guid) {
    return "Microsoft:" + guid;
}

std::string guid_of_settings_id(const std::string& instance_id) {
    constexpr std::string_view kPrefix = "Microsoft:";
    if (!instance_id.starts_with(kPrefix)) return {};
    const std::string rest = instance_id.substr(kPrefix.size());
    return rest.substr(0, rest.find('\\'));
}

std::string controller_id(const std::string& owner, const Vm& vm, const VmDisk& disk) {
    return fmt::format("Microsoft:{}\\{}\\{}", owner, controller_guid(vm, disk),
                       disk.controller == "ide" ? disk.controller_number : 0);
}

std::string slot_id(const std::string& owner, const Vm& vm, const VmDisk& disk) {
    return place(owner, vm, disk) + "\\D";
}

std::string disk_instance_id(const std::string& owner, const Vm& vm, const VmDisk& disk) {
    return place(owner, vm, disk) + "\\L";
}

ObjectRef vm_ref(const std::string& vm_id) {
    return {.class_name = "Msvm_ComputerSystem",
            .keys = {{"CreationClassName", "Msvm_ComputerSystem"}, {"Name", vm_id}}};
}

ObjectRef settings_ref(const std::string& guid) {
    return simple_ref("Msvm_VirtualSystemSettingData", settings_id(guid));
}

ObjectRef job_ref(const Job& job) {
    return simple_ref(job.class_name, job.id);
}

ObjectRef reference_point_ref(const ReferencePoint& point) {
    return {.class_name = "Msvm_VirtualSystemReferencePoint",
            .keys = {{"InstanceID", point.id}, {"VirtualSystemIdentifier", point.vm_id}}};
}

ObjectRef simple_ref(const std::string& class_name, const std::string& instance_id) {
    return {.class_name = class_name, .keys = {{"InstanceID", instance_id}}};
}

}  // namespace entrepot::hostsim
