// The image service (hyperv-wmi.md 2.10).
#include "tests/hostsim/disk/vhdx_reader.h"
#include "tests/hostsim/host/host_files.h"
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

/// An image that really lies where the path leads, as it says itself.
std::uint32_t read_real_image(MethodCall& call) {
    const std::string path = call.text("Path");
    const HostFiles files{call.host.config()};
    try {
        const VhdxReader image{files.open(path)};
        const ImageFacts& facts = image.facts();
        Instance data{.class_name = "Msvm_VirtualHardDiskSettingData"};
        data["InstanceID"] = facts.disk_id.to_upper_string();
        data["ElementName"] = file_name_of(path);
        data["Path"] = path;
        const auto parent = facts.locator.find("absolute_win32_path");
        data["ParentPath"] = parent == facts.locator.end() ? std::string{} : parent->second;
        data["Type"] = facts.has_parent ? 4 : facts.is_fixed ? 2 : 3;
        data["Format"] = 3;
        data["MaxInternalSize"] = facts.size_bytes;
        data["BlockSize"] = facts.block_size;
        data["LogicalSectorSize"] = facts.logical_sector_size;
        data["PhysicalSectorSize"] = facts.physical_sector_size;
        data["VirtualDiskId"] = facts.disk_id.to_upper_string();
        call.outputs.emplace_back("SettingData", embed(call, data));
        return kCompleted;
    } catch (const TargetFailure& failure) {
        const bool is_missing = failure.hresult == 0x80070002 || failure.hresult == 0x80070003;
        return is_missing ? kFileNotFound : kFailed;
    }
}

}  // namespace

std::uint32_t get_virtual_hard_disk_setting_data(MethodCall& call) {
    const FoundImage image = find_image(call);
    if (image.disk == nullptr || (image.disk->is_imported && image.depth == 0)) {
        return read_real_image(call);
    }
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
