// The image service (hyperv-wmi.md 2.10).
#include "tests/hostsim/host/methods.h"

#include "tests/hostsim/cim/embedded.h"

#include <fmt/format.h>

#include <filesystem>

namespace entrepot::hostsim {
namespace {

constexpr std::uint32_t kFileNotFound = 32779;

struct FoundImage {
    const Vm* vm = nullptr;
    const VmDisk* disk = nullptr;
    std::string name;
    std::size_t depth = 0;  ///< 0 for the base.
};

/// A file of a VM's disk, by the path that its settings name.
FoundImage find_image(MethodCall& call) {
    const std::string path = call.text("Path");
    for (const Vm& vm : call.host.model().vms) {
        for (const VmDisk& disk : vm.disks) {
            for (std::size_t depth = 0; depth < disk.chain.size(); ++depth) {
                if (same_name(disk.directory + "\\" + disk.chain[depth], path)) {
                    return {&vm, &disk, disk.chain[depth], depth};
                }
            }
        }
    }
    return {};
}

std::uint64_t size_of(const VmDisk& disk) {
    std::error_code ignored;
    const auto size = std::filesystem::file_size(disk.raw, ignored);
    return ignored ? 0 : size;
}

std::string embed(MethodCall& call, const Instance& instance) {
    return format_embedded(instance,
                           *call.host.schema().find(kVirtualizationNamespace, instance.class_name));
}

}  // namespace

std::uint32_t get_virtual_hard_disk_setting_data(MethodCall& call) {
    const FoundImage image = find_image(call);
    if (image.disk == nullptr) return kFileNotFound;
    const bool is_child = image.depth > 0;
    Instance data{.class_name = "Msvm_VirtualHardDiskSettingData"};
    data["InstanceID"] = image.disk->disk_id.to_upper_string();
    data["ElementName"] = image.name;
    data["Path"] = image.disk->directory + "\\" + image.name;
    data["ParentPath"] = is_child
                             ? image.disk->directory + "\\" + image.disk->chain[image.depth - 1]
                             : std::string{};
    data["Type"] = is_child ? 4 : 3;
    data["Format"] = image.disk->is_shared ? 4 : 3;
    data["MaxInternalSize"] = size_of(*image.disk);
    data["BlockSize"] = is_child ? 2 * 1024 * 1024U : image.disk->block_size;
    data["LogicalSectorSize"] = image.disk->logical_sector_size;
    data["PhysicalSectorSize"] = 4096;
    data["VirtualDiskId"] = image.disk->disk_id.to_upper_string();
    call.outputs.emplace_back("SettingData", embed(call, data));
    return kCompleted;
}

std::uint32_t get_virtual_hard_disk_state(MethodCall& call) {
    const FoundImage image = find_image(call);
    if (image.disk == nullptr) return kFileNotFound;
    Instance state{.class_name = "Msvm_VirtualHardDiskState"};
    state["FileSize"] = size_of(*image.disk);
    state["InUse"] = image.vm->state == "running";
    state["MinInternalSize"] = std::uint64_t{0};
    state["FragmentationPercentage"] = 0;
    state["PhysicalSectorSize"] = 4096;
    state["Timestamp"] = call.host.now();
    call.outputs.emplace_back("State", embed(call, state));
    return kCompleted;
}

}  // namespace entrepot::hostsim
