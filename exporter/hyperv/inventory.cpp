// Inventory. VMs are told from the host by their name, which is a GUID: captions are localized.
#include "exporter/hyperv/inventory.h"

#include "base/error.h"
#include "exporter/hyperv/disk_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <tuple>

namespace entrepot::hyperv {
namespace {

constexpr std::string_view kSystemClass = "Msvm_ComputerSystem";
constexpr std::string_view kSettingsClass = "Msvm_VirtualSystemSettingData";
constexpr std::string_view kPointClass = "Msvm_VirtualSystemReferencePoint";
constexpr std::string_view kRealized = "Microsoft:Hyper-V:System:Realized";
constexpr std::string_view kSnapshotType = "Microsoft:Hyper-V:Snapshot:";
constexpr std::string_view kRecovery = "Microsoft:Hyper-V:Snapshot:Recovery";
constexpr std::string_view kGenerationOne = "Microsoft:Hyper-V:SubType:1";

bool is_same_id(const std::string& left, const std::string& right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
        return std::toupper(static_cast<unsigned char>(a)) ==
               std::toupper(static_cast<unsigned char>(b));
    });
}

// Both families of values are in use (hyperv-wmi 2.1).
std::string state_name(std::uint16_t enabled_state) {
    switch (enabled_state) {
        case 2:
            return "running";
        case 3:
            return "off";
        case 6:
        case 32769:
            return "saved";
        case 9:
        case 32768:
            return "paused";
        default:
            return "other";
    }
}

Snapshot decode_snapshot(const cim::Instance& settings) {
    Snapshot snapshot;
    snapshot.instance_id = settings.text("InstanceID");
    snapshot.name = settings.text("ElementName");
    snapshot.vm_id = settings.text("VirtualSystemIdentifier");
    snapshot.is_recovery = settings.text("VirtualSystemType") == kRecovery;
    snapshot.created = settings.time("CreationTime");
    return snapshot;
}

bool is_snapshot(const cim::Instance& settings) {
    return settings.text("VirtualSystemType").starts_with(kSnapshotType);
}

ReferencePoint decode_reference_point(const cim::Instance& instance) {
    ReferencePoint point;
    point.instance_id = instance.text("InstanceID");
    point.vm_id = instance.text("VirtualSystemIdentifier");
    point.type = instance.u16("ReferencePointType");
    point.consistency_level = instance.u16("ConsistencyLevel");
    point.disk_ids = instance.texts("VirtualDiskIdentifiers");
    point.rct_ids = instance.texts("ResilientChangeTrackingIdentifiers");
    return point;
}

Vm decode_system(const cim::Instance& system) {
    Vm vm;
    vm.id = system.text("Name");
    vm.name = system.text("ElementName");
    vm.state = state_name(system.u16("EnabledState"));
    vm.operational_status = system.u16s("OperationalStatus");
    vm.replication_mode = system.u16("ReplicationMode");
    return vm;
}

bool is_vm(const cim::Instance& system) {
    return system.class_name() == kSystemClass && Guid::parse(system.text("Name")).has_value();
}

// InstanceID that one end of an association names, where the other end names the VM.
std::string associated_snapshot(const std::vector<cim::Instance>& rows, const std::string& vm_id) {
    for (const cim::Instance& row : rows) {
        const auto antecedent = row.reference("Antecedent");
        const auto dependent = row.reference("Dependent");
        if (!antecedent || !dependent) continue;
        for (const auto& [vm, snapshot] :
             {std::pair{&*antecedent, &*dependent}, std::pair{&*dependent, &*antecedent}}) {
            const bool is_ours = is_same_id(vm->selector("Name").value_or(""), vm_id);
            if (is_ours) return snapshot->selector("InstanceID").value_or("");
        }
    }
    return {};
}

}  // namespace

struct Inventory::Lists {
    std::vector<cim::Instance> settings;
    std::vector<cim::Instance> images;
    std::vector<cim::Instance> resources;
    std::vector<cim::Instance> points;
    std::vector<cim::Instance> last_applied;
    std::vector<cim::Instance> current;
};

Inventory::Lists Inventory::read_lists() {
    return {.settings = wmi_.list(kSettingsClass),
            .images = wmi_.list("Msvm_StorageAllocationSettingData"),
            .resources = wmi_.list("Msvm_ResourceAllocationSettingData"),
            .points = wmi_.list(kPointClass),
            .last_applied = wmi_.list("Msvm_LastAppliedSnapshot"),
            .current = wmi_.list("Msvm_MostCurrentSnapshotInBranch")};
}

std::vector<Vm> Inventory::join(const std::vector<cim::Instance>& systems, const Lists& lists) {
    const DiskList disks{lists.images, lists.resources};
    std::vector<Vm> vms;
    for (const cim::Instance& system : systems) {
        if (!is_vm(system)) continue;
        Vm vm = decode_system(system);
        for (const cim::Instance& settings : lists.settings) {
            if (!is_same_id(settings.text("VirtualSystemIdentifier"), vm.id)) continue;
            if (is_snapshot(settings)) vm.snapshots.push_back(decode_snapshot(settings));
            if (settings.text("VirtualSystemType") != kRealized) continue;
            vm.configuration_instance_id = settings.text("InstanceID");
            vm.version = settings.text("Version");
            vm.generation = settings.text("VirtualSystemSubType") == kGenerationOne ? 1 : 2;
        }
        vm.disks = disks.disks_of(vm.configuration_instance_id);
        for (const cim::Instance& point : lists.points) {
            const bool is_ours = is_same_id(point.text("VirtualSystemIdentifier"), vm.id);
            if (is_ours) vm.reference_points.push_back(decode_reference_point(point));
        }
        vm.last_applied_snapshot = associated_snapshot(lists.last_applied, vm.id);
        vm.current_snapshot = associated_snapshot(lists.current, vm.id);
        vms.push_back(std::move(vm));
    }
    std::sort(vms.begin(), vms.end(), [](const Vm& left, const Vm& right) {
        return std::tie(left.name, left.id) < std::tie(right.name, right.id);
    });
    return vms;
}

std::vector<Vm> Inventory::list_vms() {
    const auto systems = wmi_.list(kSystemClass);
    if (systems.empty()) {
        throw Error{ErrorCode::access_denied, "the host shows neither itself nor any VM",
                    "Put the account into Hyper-V Administrators on the host."};
    }
    if (std::none_of(systems.begin(), systems.end(), is_vm)) return {};
    return join(systems, read_lists());
}

Vm Inventory::read_vm(const std::string& vm_id) {
    const auto systems = wmi_.select(kSystemClass, "Name", vm_id);
    auto vms = join(systems, systems.empty() ? Lists{} : read_lists());
    if (vms.empty()) {
        throw Error{ErrorCode::not_found, fmt::format("the host has no VM {}", vm_id),
                    "It was deleted, it moved to another host, or the account may not see it."};
    }
    for (Disk& disk : vms.front().disks) {
        if (disk.cannot_back_up.empty()) describe_disk(disk);
    }
    return std::move(vms.front());
}

void Inventory::describe_disk(Disk& disk) {
    constexpr std::string_view kMethod = "GetVirtualHardDiskSettingData";
    try {
        cim::MethodInput input;
        input.text("Path", disk.path);
        const auto output =
            services_.call("Msvm_ImageManagementService", kMethod, input, wsman::Repeat::allowed);
        if (output.return_value != kReturnDone) throw_return_code(kMethod, output.return_value);
        const auto data = cim::decode_embedded_instance(output.parameters.text("SettingData"));
        disk.virtual_disk_id = Guid::parse(data.text("VirtualDiskId"));
        disk.size_bytes = data.number("MaxInternalSize");
        disk.logical_sector_size = data.u32("LogicalSectorSize");
    } catch (const Error& error) {
        // What the export brings tells the same; a disk without it is still listed.
        if (error.code() != ErrorCode::host_failure) throw;
        log_.warning("the host does not describe a disk",
                     {{"path", disk.path}, {"reason", error.what()}});
    }
}

std::vector<Snapshot> Inventory::list_snapshots(const std::string& vm_id) {
    std::vector<Snapshot> snapshots;
    for (const auto& settings : wmi_.select(kSettingsClass, "VirtualSystemIdentifier", vm_id)) {
        if (is_snapshot(settings)) snapshots.push_back(decode_snapshot(settings));
    }
    return snapshots;
}

std::vector<ReferencePoint> Inventory::list_reference_points(const std::string& vm_id) {
    std::vector<ReferencePoint> points;
    for (const auto& point : wmi_.select(kPointClass, "VirtualSystemIdentifier", vm_id)) {
        points.push_back(decode_reference_point(point));
    }
    return points;
}

std::vector<Disk> Inventory::list_snapshot_disks(const std::string& snapshot_instance_id) {
    const auto images = wmi_.list("Msvm_StorageAllocationSettingData");
    const auto resources = wmi_.list("Msvm_ResourceAllocationSettingData");
    return DiskList{images, resources}.disks_of(snapshot_instance_id);
}

std::string Inventory::read_computer_name() {
    for (const cim::Instance& system : wmi_.list(kSystemClass)) {
        const std::string name = system.text("Name");
        if (!name.empty() && !Guid::parse(name)) return name;
    }
    throw Error{ErrorCode::access_denied, "the host does not show itself among its computers",
                "Put the account into Hyper-V Administrators on the host."};
}

}  // namespace entrepot::hyperv
