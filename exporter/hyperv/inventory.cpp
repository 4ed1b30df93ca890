// Inventory. VMs are told from the host by their name, which is a GUID: captions are localized.
#include "exporter/hyperv/inventory.h"

#include "base/error.h"
#include "exporter/hyperv/disk_list.h"
#include "exporter/hyperv/vm_decode.h"
#include "exporter/wsman/fault.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

namespace entrepot::hyperv {
namespace {

constexpr std::string_view kSystemClass = "Msvm_ComputerSystem";
constexpr std::string_view kSettingsClass = "Msvm_VirtualSystemSettingData";
constexpr std::string_view kPointClass = "Msvm_VirtualSystemReferencePoint";
constexpr std::string_view kImageClass = "Msvm_StorageAllocationSettingData";
constexpr std::string_view kResourceClass = "Msvm_ResourceAllocationSettingData";
constexpr std::string_view kSecurityClass = "Msvm_SecuritySettingData";
constexpr std::string_view kLastApplied = "Msvm_LastAppliedSnapshot";
constexpr std::string_view kCurrent = "Msvm_MostCurrentSnapshotInBranch";
constexpr std::string_view kRealized = "Microsoft:Hyper-V:System:Realized";
// Checkpoints below each other; Hyper-V allows 50.
constexpr std::size_t kImageChainMax = 64;

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

// Each association row names a VM and a snapshot, in either order.
void add_linked_snapshot(const cim::Instance& row, std::map<std::string, std::string>& by_vm) {
    const auto antecedent = row.reference("Antecedent");
    const auto dependent = row.reference("Dependent");
    if (!antecedent || !dependent) return;
    for (const auto& [vm, snapshot] :
         {std::pair{&*antecedent, &*dependent}, std::pair{&*dependent, &*antecedent}}) {
        const std::string id = upper(vm->selector("Name").value_or(""));
        const auto instance_id = snapshot->selector("InstanceID");
        if (!id.empty() && instance_id) by_vm.emplace(id, *instance_id);
    }
}

bool keep_settings(cim::Instance& settings) {
    // Templates ("Microsoft:Definition\\...") belong to no VM.
    if (settings.text("VirtualSystemIdentifier").empty()) return false;
    settings.keep_only({"InstanceID", "ElementName", "VirtualSystemIdentifier", "VirtualSystemType",
                        "VirtualSystemSubType", "Version", "CreationTime", "Notes"});
    return true;
}

void strip_image(cim::Instance& image) {
    image.keep_only({"InstanceID", "ResourceSubType", "HostResource", "Parent",
                     "PersistentReservationsSupported"});
}

void strip_resource(cim::Instance& resource) {
    resource.keep_only({"InstanceID", "ResourceType", "ResourceSubType", "HostResource", "Parent",
                        "Address", "AddressOnParent"});
}

bool keep_component(cim::Instance& component) {
    component.keep_only({"SystemName", "EnabledState", "OperationalStatus"});
    return true;
}

bool has_tpm(cim::Instance& security) {
    return security.flag("TpmEnabled");
}

struct ServiceClass {
    std::string_view class_name;
    std::string_view name;
};
constexpr std::array<ServiceClass, 6> kIntegration{{
    {"Msvm_VssComponent", "backup"},
    {"Msvm_HeartbeatComponent", "heartbeat"},
    {"Msvm_KvpExchangeComponent", "data exchange"},
    {"Msvm_ShutdownComponent", "shutdown"},
    {"Msvm_TimeSyncComponent", "time"},
    {"Msvm_GuestServiceInterfaceComponent", "files"},
}};

}  // namespace

struct Inventory::Lists {
    std::vector<cim::Instance> settings;
    std::vector<cim::Instance> images;
    std::vector<cim::Instance> resources;
    std::vector<cim::Instance> points;
    std::vector<std::pair<std::string_view, cim::Instance>> integration;  ///< Name of the service.
    std::set<std::string> with_tpm;                                       ///< GUIDs of settings.
    std::map<std::string, std::string> last_applied;                      ///< By VM.
    std::map<std::string, std::string> current;
};

// A class that came with a later Windows, or that the account may not see, is no reason to fail.
std::vector<cim::Instance> Inventory::list_if_known(std::string_view class_name,
                                                    const cim::WmiNamespace::Keep& keep) {
    try {
        return wmi_.list(class_name, keep);
    } catch (const wsman::Fault& fault) {
        const bool is_unknown = fault.is_class_missing() || fault.is_filter_refused() ||
                                fault.code() == ErrorCode::not_found;
        if (!is_unknown) throw;
        log_.debug("the host has no such class", {{"class", std::string{class_name}}});
        return {};
    }
}

// Checkpoints have copies of everything; only what belongs to the VMs themselves is kept, so that
// memory does not grow with checkpoints.
Inventory::Lists Inventory::read_lists(const std::vector<Vm>& vms) {
    Lists lists;
    lists.settings = wmi_.list(kSettingsClass, keep_settings);
    std::set<std::string> configurations;
    for (const cim::Instance& settings : lists.settings) {
        if (settings.text("VirtualSystemType") != kRealized) continue;
        configurations.insert(settings_guid(settings.text("InstanceID")));
    }
    const auto is_of_vm = [&](const cim::Instance& part) {
        return configurations.contains(settings_guid(part.text("InstanceID")));
    };
    lists.images = wmi_.list(kImageClass, [&](cim::Instance& image) {
        strip_image(image);
        return is_of_vm(image);
    });
    lists.resources = wmi_.list(kResourceClass, [&](cim::Instance& resource) {
        strip_resource(resource);
        return is_of_vm(resource) && is_about_disks(resource);
    });
    lists.points = wmi_.list(kPointClass);
    for (const auto& [association, by_vm] :
         {std::pair{kLastApplied, &lists.last_applied}, std::pair{kCurrent, &lists.current}}) {
        auto& target = *by_vm;
        wmi_.list(
            association,
            [&target](cim::Instance& row) {
                add_linked_snapshot(row, target);
                return false;
            },
            [&target] { target.clear(); });
    }
    for (const ServiceClass& service : kIntegration) {
        for (cim::Instance& component : list_if_known(service.class_name, keep_component)) {
            lists.integration.emplace_back(service.name, std::move(component));
        }
    }
    for (const cim::Instance& security : list_if_known(kSecurityClass, has_tpm))
        lists.with_tpm.insert(settings_guid(security.text("InstanceID")));
    log_.debug("inventory read", {{"vms", std::to_string(vms.size())}});
    return lists;
}

std::vector<cim::Instance> Inventory::list_parts(const cim::ObjectPath& settings,
                                                 std::string_view class_name) {
    auto found =
        wmi_.find_associated(settings, "Msvm_VirtualSystemSettingDataComponent", class_name);
    if (found) return std::move(*found);
    const std::string guid = settings_guid(settings.key("InstanceID").value_or(""));
    return list_if_known(class_name, [&](cim::Instance& part) {
        return settings_guid(part.text("InstanceID")) == guid;
    });
}

std::string Inventory::read_linked_snapshot(std::string_view association,
                                            const std::string& vm_id) {
    const auto vm = wmi_.path(kSystemClass,
                              {{"CreationClassName", std::string{kSystemClass}}, {"Name", vm_id}});
    const auto found = wmi_.find_associated(vm, association, kSettingsClass);
    if (found) return found->empty() ? std::string{} : found->front().text("InstanceID");
    std::map<std::string, std::string> by_vm;
    wmi_.list(
        association,
        [&](cim::Instance& row) {
            add_linked_snapshot(row, by_vm);
            return false;
        },
        [&] { by_vm.clear(); });
    return by_vm[upper(vm_id)];
}

Inventory::Lists Inventory::read_lists_of(const std::string& vm_id) {
    Lists lists;
    lists.settings = wmi_.select(kSettingsClass, "VirtualSystemIdentifier", vm_id);
    for (const cim::Instance& settings : lists.settings) {
        if (settings.text("VirtualSystemType") != kRealized) continue;
        const auto path = wmi_.path(kSettingsClass, {{"InstanceID", settings.text("InstanceID")}});
        lists.images = list_parts(path, kImageClass);
        lists.resources = list_parts(path, kResourceClass);
        for (cim::Instance& security : list_parts(path, kSecurityClass)) {
            if (has_tpm(security)) {
                lists.with_tpm.insert(settings_guid(settings.text("InstanceID")));
            }
        }
    }
    lists.points = wmi_.select(kPointClass, "VirtualSystemIdentifier", vm_id);
    lists.last_applied[upper(vm_id)] = read_linked_snapshot(kLastApplied, vm_id);
    lists.current[upper(vm_id)] = read_linked_snapshot(kCurrent, vm_id);
    // Of the guest's services only this one decides anything about a backup.
    const ServiceClass& backup = kIntegration.front();
    try {
        for (cim::Instance& component : wmi_.select(backup.class_name, "SystemName", vm_id))
            lists.integration.emplace_back(backup.name, std::move(component));
    } catch (const wsman::Fault& fault) {
        if (!fault.is_class_missing() && fault.code() != ErrorCode::not_found) throw;
    }
    return lists;
}

std::vector<Vm> Inventory::join(std::vector<Vm> vms, const Lists& lists) {
    const DiskList disks{lists.images, lists.resources};
    std::map<std::string, Vm*> by_id;
    for (Vm& vm : vms)
        by_id[upper(vm.id)] = &vm;
    const auto find = [&](const std::string& id) -> Vm* {
        const auto found = by_id.find(upper(id));
        return found == by_id.end() ? nullptr : found->second;
    };
    for (const cim::Instance& settings : lists.settings) {
        Vm* vm = find(settings.text("VirtualSystemIdentifier"));
        if (vm == nullptr) continue;
        if (is_snapshot(settings)) vm->snapshots.push_back(decode_snapshot(settings));
        if (settings.text("VirtualSystemType") != kRealized) continue;
        decode_configuration(settings, *vm);
        vm->has_tpm = lists.with_tpm.contains(settings_guid(vm->configuration_instance_id));
        vm->disks = disks.disks_of(vm->configuration_instance_id);
    }
    for (const cim::Instance& point : lists.points) {
        if (Vm* vm = find(point.text("VirtualSystemIdentifier"))) {
            vm->reference_points.push_back(decode_reference_point(point));
        }
    }
    for (const auto& [name, component] : lists.integration) {
        if (Vm* vm = find(component.text("SystemName"))) {
            vm->integration_services.push_back(decode_integration(component, name));
        }
    }
    for (Vm& vm : vms) {
        const auto applied = lists.last_applied.find(upper(vm.id));
        if (applied != lists.last_applied.end()) vm.last_applied_snapshot = applied->second;
        const auto current = lists.current.find(upper(vm.id));
        if (current != lists.current.end()) vm.current_snapshot = current->second;
    }
    std::sort(vms.begin(), vms.end(), [](const Vm& left, const Vm& right) {
        return std::tie(left.name, left.id) < std::tie(right.name, right.id);
    });
    return vms;
}

std::vector<Vm> Inventory::list_vms() {
    bool is_anything_shown = false;
    std::vector<Vm> vms;
    const auto take = [&](cim::Instance& system) {
        is_anything_shown = true;
        if (is_vm(system)) vms.push_back(decode_system(system));
        return false;
    };
    // The list may start over in the middle.
    wmi_.list(kSystemClass, take, [&] { vms.clear(); });
    if (!is_anything_shown) {
        throw Error{ErrorCode::access_denied, "the host shows neither itself nor any VM",
                    "Put the account into Hyper-V Administrators on the host."};
    }
    if (vms.empty()) return vms;
    const Lists lists = read_lists(vms);
    vms = join(std::move(vms), lists);
    read_owner_nodes(vms);
    return vms;
}

Vm Inventory::read_vm(const std::string& vm_id) {
    std::vector<Vm> vms;
    for (const cim::Instance& system : wmi_.select(kSystemClass, "Name", vm_id)) {
        if (is_vm(system)) vms.push_back(decode_system(system));
    }
    if (vms.empty()) {
        throw Error{ErrorCode::not_found, fmt::format("the host has no VM {}", vm_id),
                    "It was deleted, it moved to another host, or the account may not see it."};
    }
    vms = join(std::move(vms), read_lists_of(vms.front().id));
    for (Disk& disk : vms.front().disks) {
        if (disk.cannot_back_up.empty()) describe_disk(disk);
    }
    return std::move(vms.front());
}

// Failover clusters name the node where a VM is now, by the VM's id (hyperv-wmi 2.13).
void Inventory::read_owner_nodes(std::vector<Vm>& vms) {
    if (!may_have_cluster_) return;
    try {
        std::map<std::string, std::string> owners;
        for (const cim::Instance& resource :
             cluster_.select("MSCluster_Resource", "Type", "Virtual Machine")) {
            const auto guid = Guid::parse(resource.text("PrivateProperties.VmID"));
            if (guid) owners[guid->to_upper_string()] = resource.text("OwnerNode");
        }
        for (Vm& vm : vms) {
            const auto owner = owners.find(upper(vm.id));
            if (owner != owners.end()) vm.owner_node = owner->second;
        }
    } catch (const wsman::Fault& fault) {
        // No cluster, or none that this account may look at: then nothing is known of owners.
        const bool is_none = fault.is_class_missing() || fault.is_filter_refused() ||
                             fault.code() == ErrorCode::not_found ||
                             fault.code() == ErrorCode::access_denied;
        if (!is_none) throw;
        may_have_cluster_ = false;
        log_.debug("no cluster is shown", {{"reason", fault.message()}});
    }
}

void Inventory::describe_disk(Disk& disk) {
    try {
        const auto data = read_image_settings(disk.path);
        disk.virtual_disk_id = Guid::parse(data.text("VirtualDiskId"));
        disk.size_bytes = data.number("MaxInternalSize");
        disk.logical_sector_size = data.u32("LogicalSectorSize");
        const std::string format = format_name(data.u16("Format"));
        if (!format.empty()) disk.format = format;
        measure_images(disk, data.text("ParentPath"));
    } catch (const Error& error) {
        // What the export brings tells the same; a disk without it is still listed.
        if (error.code() != ErrorCode::host_failure) throw;
        log_.warning("the host does not describe a disk",
                     {{"path", disk.path}, {"reason", error.what()}});
    }
}

cim::Instance Inventory::read_image_settings(const std::string& path) {
    constexpr std::string_view kMethod = "GetVirtualHardDiskSettingData";
    cim::MethodInput input;
    input.text("Path", path);
    const auto output =
        services_.call("Msvm_ImageManagementService", kMethod, input, wsman::Repeat::allowed);
    if (output.return_value != kReturnDone) throw_return_code(kMethod, output.return_value);
    return cim::decode_embedded_instance(output.parameters.text("SettingData"));
}

std::uint64_t Inventory::read_image_file_size(const std::string& path) {
    constexpr std::string_view kMethod = "GetVirtualHardDiskState";
    cim::MethodInput input;
    input.text("Path", path);
    const auto output =
        services_.call("Msvm_ImageManagementService", kMethod, input, wsman::Repeat::allowed);
    if (output.return_value != kReturnDone) throw_return_code(kMethod, output.return_value);
    return cim::decode_embedded_instance(output.parameters.text("State")).number("FileSize");
}

// A disk below checkpoints is a chain; an export holds what all of it holds.
void Inventory::measure_images(Disk& disk, std::string parent) {
    try {
        std::uint64_t sum = read_image_file_size(disk.path);
        for (std::size_t depth = 0; !parent.empty(); ++depth) {
            if (depth >= kImageChainMax) return;
            const std::uint64_t size = read_image_file_size(parent);
            sum += std::min(size, std::numeric_limits<std::uint64_t>::max() - sum);
            parent = read_image_settings(parent).text("ParentPath");
        }
        disk.file_size_bytes = sum;
    } catch (const Error& error) {
        // Then its virtual size has to do, which is more.
        if (is_transient(error.code()) || error.code() == ErrorCode::cancelled) throw;
        log_.debug("the host does not say how large an image is",
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
    const auto path = wmi_.path(kSettingsClass, {{"InstanceID", snapshot_instance_id}});
    const auto images = list_parts(path, kImageClass);
    const auto resources = list_parts(path, kResourceClass);
    return DiskList{images, resources}.disks_of(snapshot_instance_id);
}

std::string Inventory::read_computer_name(cim::WmiNamespace& wmi) {
    for (const cim::Instance& system : wmi.list(kSystemClass)) {
        const std::string name = system.text("Name");
        if (!name.empty() && !Guid::parse(name)) return name;
    }
    throw Error{ErrorCode::access_denied, "the host does not show itself among its computers",
                "Put the account into Hyper-V Administrators on the host."};
}

}  // namespace entrepot::hyperv
