// Forms the identifiers.
#include "tests/hostsim/host/names.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <span>

namespace entrepot::hostsim {
namespace {

// Windows gives every VM's IDE controllers this id; SCSI controllers have one of their own.
constexpr const char* kIdeControllers = "83F8638B-8DCA-4152-9EDA-2CA8B33039B4";

// The VM's own GUID with other first digits: stable, and different per controller.
std::string scsi_controller_guid(const Vm& vm, int number) {
    return fmt::format("{:08X}{}", 0x5C510000U + static_cast<unsigned>(number), vm.id.substr(8));
}

std::string controller_guid(const Vm& vm, const VmDisk& disk) {
    if (disk.controller == "ide") return kIdeControllers;
    return scsi_controller_guid(vm, disk.controller_number);
}

std::string place(const std::string& owner, const Vm& vm, const VmDisk& disk) {
    const int number = disk.controller == "ide" ? disk.controller_number : 0;
    return fmt::format("Microsoft:{}\\{}\\{}\\{}", owner, controller_guid(vm, disk), number,
                       disk.location);
}

}  // namespace

Guid guid_of(const std::string& text) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
    return Guid::from_bytes(std::as_bytes(std::span{digest}).first(Guid::kSizeBytes));
}

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

std::string scsi_controller_id(const std::string& owner, const Vm& vm, int number) {
    return fmt::format("Microsoft:{}\\{}\\0", owner, scsi_controller_guid(vm, number));
}

std::vector<Controller> list_controllers(const std::string& owner, const Vm& vm) {
    std::vector<Controller> result;
    for (int number = 0; number < vm.controller_count(); ++number) {
        result.push_back({scsi_controller_id(owner, vm, number), false, number});
    }
    if (vm.generation != 1) return result;
    for (int number = 0; number < 2; ++number) {
        result.push_back(
            {fmt::format("Microsoft:{}\\{}\\{}", owner, kIdeControllers, number), true, number});
    }
    return result;
}

std::string slot_id(const std::string& owner, const Vm& vm, const VmDisk& disk) {
    return place(owner, vm, disk) + "\\D";
}

std::string disk_instance_id(const std::string& owner, const Vm& vm, const VmDisk& disk) {
    return place(owner, vm, disk) + "\\L";
}

std::string adapter_id(const std::string& owner, const NetworkAdapter& adapter) {
    return fmt::format("Microsoft:{}\\{}", owner, adapter.id);
}

std::string connection_id(const std::string& owner, const NetworkAdapter& adapter) {
    return adapter_id(owner, adapter) + "\\C";
}

std::string security_id(const std::string& owner) {
    return fmt::format("Microsoft:{}\\SecuritySettingData", owner);
}

ObjectRef planned_ref(const std::string& vm_id) {
    return {.class_name = "Msvm_PlannedComputerSystem",
            .keys = {{"CreationClassName", "Msvm_PlannedComputerSystem"}, {"Name", vm_id}}};
}

ObjectRef switch_ref(const std::string& switch_id) {
    return {.class_name = "Msvm_VirtualEthernetSwitch",
            .keys = {{"CreationClassName", "Msvm_VirtualEthernetSwitch"}, {"Name", switch_id}}};
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
