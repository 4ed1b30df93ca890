// From instances of WMI to the values of the contract (hyperv-wmi 2).
#include "exporter/hyperv/vm_decode.h"

#include "base/guid.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace entrepot::hyperv {
namespace {

constexpr std::string_view kSystemClass = "Msvm_ComputerSystem";
constexpr std::string_view kSnapshotType = "Microsoft:Hyper-V:Snapshot:";
constexpr std::string_view kRecovery = "Microsoft:Hyper-V:Snapshot:Recovery";
constexpr std::string_view kGenerationOne = "Microsoft:Hyper-V:SubType:1";

}  // namespace

bool is_same_id(const std::string& left, const std::string& right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
        return std::toupper(static_cast<unsigned char>(a)) ==
               std::toupper(static_cast<unsigned char>(b));
    });
}

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

// Msvm_VirtualHardDiskSettingData.Format
std::string format_name(std::uint16_t format) {
    switch (format) {
        case 2:
            return "vhd";
        case 3:
            return "vhdx";
        case 4:
            return "vhds";
        default:
            return {};
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

void decode_configuration(const cim::Instance& settings, Vm& vm) {
    vm.configuration_instance_id = settings.text("InstanceID");
    vm.version = settings.text("Version");
    vm.generation = settings.text("VirtualSystemSubType") == kGenerationOne ? 1 : 2;
    vm.notes.clear();
    for (const std::string& line : settings.texts("Notes"))
        vm.notes += (vm.notes.empty() ? "" : "\n") + line;
}

// Drives and the controllers that they hang on; network adapters and the like are left.
bool is_about_disks(const cim::Instance& resource) {
    constexpr std::array<std::uint64_t, 4> kTypes{5, 6, 17, 31};  // IDE, SCSI, drive, disk
    const std::uint64_t type = resource.number("ResourceType");
    return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

IntegrationService decode_integration(const cim::Instance& component, std::string_view name) {
    constexpr std::uint16_t kEnabled = 2;
    constexpr std::uint16_t kOk = 2;  // OperationalStatus[0]; 12: no contact, 13: lost.
    IntegrationService service{std::string{name}, component.u16("EnabledState") == kEnabled, false};
    const auto status = component.u16s("OperationalStatus");
    service.is_working = service.is_enabled && !status.empty() && status.front() == kOk;
    return service;
}

}  // namespace entrepot::hyperv
