// What a device is, its ResourceType and its parent say.
#include "tests/hostsim/host/resource_operations.h"

#include "tests/hostsim/cim/object_path.h"
#include "tests/hostsim/host/host_files.h"
#include "tests/hostsim/host/names.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace entrepot::hostsim {
namespace {

constexpr std::uint64_t kScsiController = 6;
constexpr std::uint64_t kEthernetAdapter = 10;
constexpr std::uint64_t kDvdDrive = 16;
constexpr std::uint64_t kDiskDrive = 17;
constexpr std::uint64_t kLogicalDisk = 31;
constexpr std::uint64_t kEthernetConnection = 33;
constexpr int kScsiControllerCountMax = 4;
constexpr int kScsiLocationMax = 63;
constexpr int kIdeLocationMax = 1;
constexpr std::uint64_t kDisabled = 3;

bool names(const Instance& instance, const char* property) {
    return instance.properties.contains(property);
}

std::string first_text(const Value& value) {
    return value.is_null() ? std::string{} : to_text(value.items.front());
}

/// A MAC without separators, upper case; nullopt if it is none.
std::optional<std::string> read_mac(std::string text) {
    const bool is_sound = text.size() == 12 && std::all_of(text.begin(), text.end(), [](char c) {
                              return std::isxdigit(static_cast<unsigned char>(c)) != 0;
                          });
    if (!is_sound) return std::nullopt;
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

/// Whoever puts it into a VM that exists reads it then.
void put_medium(VmDisk& disk, const std::string& path) {
    disk.set_medium(path);
    disk.is_imported = false;
    disk.raw.clear();
}

bool modify_medium(VmDisk& disk, const Instance& changes) {
    if (!names(changes, "HostResource")) return true;
    const Value& value = changes.at("HostResource");
    const std::string path = first_text(value);
    if (value.items.size() > 1) return false;
    if (!path.empty() && !is_absolute_windows_path(path)) return false;
    put_medium(disk, path);
    return true;
}

bool modify_adapter(NetworkAdapter& adapter, const Instance& changes) {
    if (names(changes, "Address")) {
        const auto mac = read_mac(first_text(changes.at("Address")));
        if (!mac && !first_text(changes.at("Address")).empty()) return false;
        if (mac) adapter.mac = *mac;
    }
    if (names(changes, "StaticMacAddress")) {
        adapter.is_static_mac = changes.at("StaticMacAddress").flag();
    }
    const std::string name = changes.at("ElementName").text();
    if (!name.empty()) adapter.name = name;
    return true;
}

/// The switch that a path names, whether the host has it or not.
bool connect(const Host& host, NetworkAdapter& adapter, const std::string& path) {
    const auto ref = parse_object_path(path, host.config().host_name);
    const bool is_switch = ref && same_name(ref->class_name, "Msvm_VirtualEthernetSwitch") &&
                           ref->keys.contains("Name");
    if (!is_switch) return false;
    adapter.switch_id = ref->keys.at("Name");
    for (const SwitchConfig& known : host.config().switches) {
        if (same_name(known.id, adapter.switch_id)) adapter.switch_name = known.name;
    }
    return true;
}

bool modify_connection(const Host& host, NetworkAdapter& adapter, const Instance& changes) {
    const bool is_disabled =
        names(changes, "EnabledState") && changes.at("EnabledState").number() == kDisabled;
    const std::string path = first_text(changes.at("HostResource"));
    if (is_disabled || (names(changes, "HostResource") && path.empty())) {
        adapter.switch_id.clear();
        return true;
    }
    if (!names(changes, "HostResource")) return true;
    return connect(host, adapter, path);
}

/// Parent and type are what they are; who sends them back must send the same.
bool is_same_place(const Host& host, const Resource& resource, const Instance& changes) {
    const Vm& vm = *resource.vm;
    if (!names(changes, "Parent")) return true;
    const auto parent =
        parse_object_path(first_text(changes.at("Parent")), host.config().host_name);
    if (!parent || !parent->keys.contains("InstanceID")) return false;
    const std::string& id = parent->keys.at("InstanceID");
    switch (resource.kind) {
        case ResourceKind::medium:
            return same_name(id, slot_id(vm.id, vm, vm.disks[resource.index]));
        case ResourceKind::drive:
            return same_name(id, controller_id(vm.id, vm, vm.disks[resource.index]));
        case ResourceKind::connection:
            return same_name(id, adapter_id(vm.id, vm.adapters[resource.index]));
        case ResourceKind::adapter:
        case ResourceKind::controller:
            return false;
    }
    return false;
}

/// The device that a new one's Parent names; it must be the same VM's.
std::optional<Resource> find_parent(Host& host, Vm& vm, const Instance& settings) {
    const auto parent =
        parse_object_path(first_text(settings.at("Parent")), host.config().host_name);
    if (!parent || !parent->keys.contains("InstanceID")) return std::nullopt;
    return find_resource(vm, parent->keys.at("InstanceID"));
}

std::optional<std::string> add_medium(Host& host, Vm& vm, const Instance& settings) {
    const auto parent = find_parent(host, vm, settings);
    if (!parent || parent->kind != ResourceKind::drive) return std::nullopt;
    VmDisk& disk = vm.disks[parent->index];
    const std::string path = first_text(settings.at("HostResource"));
    if (disk.has_medium() || !is_absolute_windows_path(path)) return std::nullopt;
    put_medium(disk, path);
    return disk_instance_id(vm.id, vm, disk);
}

std::optional<std::string> add_drive(Host& host, Vm& vm, const Instance& settings, bool is_dvd) {
    const auto parent = find_parent(host, vm, settings);
    if (!parent || parent->kind != ResourceKind::controller) return std::nullopt;
    VmDisk drive;
    drive.is_dvd = is_dvd;
    for (const VmDisk& disk : vm.disks)
        drive.number = std::max(drive.number, disk.number + 1);
    // IDE controllers come before the SCSI ones.
    const bool is_ide = parent->index >= static_cast<std::size_t>(vm.controller_count());
    drive.controller = is_ide ? "ide" : "scsi";
    drive.controller_number = static_cast<int>(
        is_ide ? parent->index - static_cast<std::size_t>(vm.controller_count()) : parent->index);
    const std::string location = first_text(settings.at("AddressOnParent"));
    drive.location = std::atoi(location.c_str());
    const int location_max = is_ide ? kIdeLocationMax : kScsiLocationMax;
    if (location.empty() || drive.location < 0 || drive.location > location_max)
        return std::nullopt;
    for (const VmDisk& disk : vm.disks) {
        if (slot_id(vm.id, vm, disk) == slot_id(vm.id, vm, drive)) return std::nullopt;
    }
    vm.disks.push_back(drive);
    return slot_id(vm.id, vm, drive);
}

std::optional<std::string> add_adapter(Host& host, Vm& vm, const Instance& settings) {
    NetworkAdapter adapter;
    adapter.id = host.make_id();
    adapter.mac = "00155D" + adapter.id.substr(0, 6);
    if (!modify_adapter(adapter, settings)) return std::nullopt;
    vm.adapters.push_back(adapter);
    return adapter_id(vm.id, adapter);
}

std::optional<std::string> add_connection(Host& host, Vm& vm, const Instance& settings) {
    const auto parent = find_parent(host, vm, settings);
    if (!parent || parent->kind != ResourceKind::adapter) return std::nullopt;
    NetworkAdapter& adapter = vm.adapters[parent->index];
    if (!modify_connection(host, adapter, settings)) return std::nullopt;
    return connection_id(vm.id, adapter);
}

void remove_controller(Vm& vm, std::size_t index) {
    const std::string id = list_controllers(vm.id, vm)[index].id;
    const int count = vm.controller_count();
    std::erase_if(vm.disks,
                  [&](const VmDisk& disk) { return controller_id(vm.id, vm, disk) == id; });
    if (static_cast<int>(index) == count - 1) vm.scsi_controller_count = count - 1;
}

}  // namespace

std::optional<Resource> find_resource(Vm& vm, const std::string& instance_id) {
    for (std::size_t i = 0; i < vm.disks.size(); ++i) {
        const VmDisk& disk = vm.disks[i];
        if (same_name(instance_id, slot_id(vm.id, vm, disk))) {
            return Resource{&vm, ResourceKind::drive, i};
        }
        const bool has_settings = disk.has_medium() && !disk.is_pass_through;
        if (has_settings && same_name(instance_id, disk_instance_id(vm.id, vm, disk))) {
            return Resource{&vm, ResourceKind::medium, i};
        }
    }
    for (std::size_t i = 0; i < vm.adapters.size(); ++i) {
        if (same_name(instance_id, adapter_id(vm.id, vm.adapters[i]))) {
            return Resource{&vm, ResourceKind::adapter, i};
        }
        if (same_name(instance_id, connection_id(vm.id, vm.adapters[i]))) {
            return Resource{&vm, ResourceKind::connection, i};
        }
    }
    const auto controllers = list_controllers(vm.id, vm);
    for (std::size_t i = 0; i < controllers.size(); ++i) {
        if (same_name(instance_id, controllers[i].id)) {
            return Resource{&vm, ResourceKind::controller, i};
        }
    }
    return std::nullopt;
}

const char* class_of(ResourceKind kind) {
    switch (kind) {
        case ResourceKind::medium:
            return "Msvm_StorageAllocationSettingData";
        case ResourceKind::adapter:
            return "Msvm_SyntheticEthernetPortSettingData";
        case ResourceKind::connection:
            return "Msvm_EthernetPortAllocationSettingData";
        case ResourceKind::controller:
        case ResourceKind::drive:
            return "Msvm_ResourceAllocationSettingData";
    }
    return "";
}

bool modify_resource(Host& host, const Resource& resource, const Instance& changes) {
    Vm& vm = *resource.vm;
    if (!same_name(changes.class_name, class_of(resource.kind))) return false;
    if (!is_same_place(host, resource, changes)) return false;
    switch (resource.kind) {
        case ResourceKind::medium:
            return modify_medium(vm.disks[resource.index], changes);
        case ResourceKind::adapter:
            return modify_adapter(vm.adapters[resource.index], changes);
        case ResourceKind::connection:
            return modify_connection(host, vm.adapters[resource.index], changes);
        case ResourceKind::controller:
        case ResourceKind::drive:
            return true;
    }
    return false;
}

std::optional<std::string> add_resource(Host& host, Vm& vm, const Instance& settings) {
    const std::uint64_t type = settings.at("ResourceType").number();
    if (same_name(settings.class_name, "Msvm_StorageAllocationSettingData")) {
        return type == kLogicalDisk ? add_medium(host, vm, settings) : std::nullopt;
    }
    if (same_name(settings.class_name, "Msvm_SyntheticEthernetPortSettingData")) {
        return type == kEthernetAdapter ? add_adapter(host, vm, settings) : std::nullopt;
    }
    if (same_name(settings.class_name, "Msvm_EthernetPortAllocationSettingData")) {
        return type == kEthernetConnection ? add_connection(host, vm, settings) : std::nullopt;
    }
    if (type == kDiskDrive || type == kDvdDrive) {
        return add_drive(host, vm, settings, type == kDvdDrive);
    }
    if (type != kScsiController || vm.controller_count() >= kScsiControllerCountMax) {
        return std::nullopt;
    }
    vm.scsi_controller_count = vm.controller_count() + 1;
    return scsi_controller_id(vm.id, vm, vm.scsi_controller_count - 1);
}

void remove_resource(const Resource& resource) {
    Vm& vm = *resource.vm;
    const auto at = static_cast<std::ptrdiff_t>(resource.index);
    switch (resource.kind) {
        case ResourceKind::medium:
            put_medium(vm.disks[resource.index], {});
            return;
        case ResourceKind::drive:
            vm.disks.erase(vm.disks.begin() + at);
            return;
        case ResourceKind::adapter:
            vm.adapters.erase(vm.adapters.begin() + at);
            return;
        case ResourceKind::connection:
            vm.adapters[resource.index].switch_id.clear();
            return;
        case ResourceKind::controller:
            remove_controller(vm, resource.index);
            return;
    }
}

}  // namespace entrepot::hostsim
