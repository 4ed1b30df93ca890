// Which maker answers for which class; VMs and their settings.
#include "tests/hostsim/host/inventory.h"

#include "tests/hostsim/host/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace entrepot::hostsim {
namespace {

constexpr DateTime kNever{std::chrono::seconds{-11644473600LL}};  // 1601-01-01

struct MakerRow {
    const char* name_space;
    const char* class_name;
    bool needs_rights;  ///< Hyper-V filters silently (hyperv-wmi.md section 8).
    std::function<std::vector<Instance>(Host&, const std::string&)> make;
};

template <auto Maker>
std::vector<Instance> plain(Host& host, const std::string&) {
    return Maker(host);
}

const std::vector<MakerRow>& makers() {
    static const std::vector<MakerRow> rows = [] {
        const char* v2 = kVirtualizationNamespace;
        std::vector<MakerRow> list{
            {v2, "Msvm_ComputerSystem", true, plain<make_computer_systems>},
            {v2, "Msvm_PlannedComputerSystem", true, plain<make_planned_systems>},
            {v2, "Msvm_VirtualEthernetSwitch", true, plain<make_switches>},
            {v2, "Msvm_VirtualEthernetSwitchSettingData", true, plain<make_switch_settings>},
            {v2, "Msvm_SyntheticEthernetPortSettingData", true, plain<make_adapter_settings>},
            {v2, "Msvm_EthernetPortAllocationSettingData", true, plain<make_connection_settings>},
            {v2, "Msvm_SecuritySettingData", true, plain<make_security_settings>},
            {v2, "Msvm_VirtualSystemSettingData", true, plain<make_settings>},
            {v2, "Msvm_StorageAllocationSettingData", true, plain<make_storage_settings>},
            {v2, "Msvm_ResourceAllocationSettingData", true, plain<make_resource_settings>},
            {v2, "Msvm_VirtualSystemReferencePoint", true, plain<make_reference_points>},
            {v2, "Msvm_VirtualSystemExportSettingData", true, plain<make_export_settings>},
            {v2, "Msvm_DiskMergeSettingData", true, plain<make_merge_settings>},
            {v2, "Msvm_VirtualSystemManagementServiceSettingData", true,
             plain<make_service_settings>},
            {kCimv2Namespace, "Win32_OperatingSystem", false, plain<make_operating_systems>},
            {kCimv2Namespace, "Win32_ComputerSystem", false, plain<make_host_computers>},
        };
        for (const char* name : {"Msvm_VssComponent", "Msvm_HeartbeatComponent",
                                 "Msvm_KvpExchangeComponent", "Msvm_ShutdownComponent",
                                 "Msvm_TimeSyncComponent", "Msvm_GuestServiceInterfaceComponent"}) {
            list.push_back({v2, name, true, make_integration_components});
        }
        for (const char* name : {"Msvm_ConcreteJob", "Msvm_StorageJob"}) {
            list.push_back({v2, name, true, make_jobs});
        }
        for (const char* name :
             {"Msvm_VirtualSystemManagementService", "Msvm_VirtualSystemSnapshotService",
              "Msvm_VirtualSystemReferencePointService", "Msvm_ImageManagementService",
              "Msvm_VirtualSystemMigrationService", "Msvm_SecurityService"}) {
            list.push_back({v2, name, true, make_services});
        }
        for (const char* name :
             {"Msvm_SettingsDefineState", "Msvm_SnapshotOfVirtualSystem",
              "Msvm_MostCurrentSnapshotInBranch", "Msvm_LastAppliedSnapshot",
              "Msvm_ReferencePointOfVirtualSystem", "Msvm_VirtualSystemSettingDataComponent",
              "Msvm_SystemExportSettingData", "Msvm_AffectedJobElement",
              "Msvm_AffectedStorageJobElement"}) {
            list.push_back({v2, name, true, make_associations});
        }
        return list;
    }();
    return rows;
}

std::uint32_t enabled_state(const Vm& vm) {
    if (vm.state == "running") return 2;
    if (vm.state == "saved") return 6;
    return vm.state == "paused" ? 9 : 3;
}

std::vector<std::uint32_t> operational_status(const Vm& vm) {
    if (vm.busy_status != 0) return {11, vm.busy_status};
    if (!vm.merging.empty() && !vm.is_merge_disabled) return {11, 32772};
    return {2};
}

Instance make_host_system(Host& host) {
    Instance system{.class_name = "Msvm_ComputerSystem"};
    system["Caption"] = host.say(Text::host_system);
    system["Description"] = host.say(Text::host_system_description);
    system["CreationClassName"] = "Msvm_ComputerSystem";
    system["Name"] = host.config().host_name;
    system["ElementName"] = host.config().host_name;
    system["EnabledDefault"] = 2;
    system["EnabledState"] = 2;
    system["HealthState"] = 5;
    system["NumberOfNumaNodes"] = 1;
    system["OperationalStatus"] = std::vector<std::uint32_t>{2};
    system["RequestedState"] = 12;
    system["ResetCapability"] = 1;
    system["Status"] = "OK";
    system["StatusDescriptions"] = "OK";
    return system;
}

Instance make_vm_system(Host& host, const Vm& vm) {
    Instance system{.class_name = "Msvm_ComputerSystem"};
    system["Caption"] = host.say(Text::virtual_machine);
    system["Description"] = "Microsoft Virtual Machine";
    system["CreationClassName"] = "Msvm_ComputerSystem";
    system["Name"] = vm.id;
    system["ElementName"] = vm.name;
    system["EnabledDefault"] = 2;
    system["EnabledState"] = enabled_state(vm);
    system["EnhancedSessionModeState"] = 6;
    system["FailedOverReplicationType"] = 0;
    system["HealthState"] = 5;
    if (vm.state == "running") {
        system["HwThreadsPerCoreRealized"] = 2;
        system["ProcessID"] = 8748;
    }
    system["InstallDate"] = vm.configured;
    system["LastApplicationConsistentReplicationTime"] = kNever;
    system["LastReplicationTime"] = kNever;
    system["LastReplicationType"] = 0;
    system["NumberOfNumaNodes"] = 1;
    system["OnTimeInMilliseconds"] = std::uint64_t{vm.state == "running" ? 6138293824U : 0U};
    system["OperationalStatus"] = operational_status(vm);
    const Json replication = vm.traits.value("replication", Json::object());
    system["ReplicationHealth"] = replication.value("health", 0U);
    system["ReplicationMode"] = replication.value("mode", 0U);
    system["ReplicationState"] = replication.value("state", 0U);
    system["RequestedState"] = 5;
    system["ResetCapability"] = 1;
    system["Status"] = "OK";
    system["StatusDescriptions"] = host.say(Text::operating_normally);
    system["TimeOfLastConfigurationChange"] = vm.configured;
    system["TimeOfLastStateChange"] = vm.configured;
    return system;
}

Value from_json(const Json& json) {
    if (json.is_boolean()) return json.get<bool>();
    if (json.is_number_unsigned()) return json.get<std::uint64_t>();
    if (json.is_string()) return json.get<std::string>();
    return {};
}

/// What the VM's settings and those of a snapshot have in common.
Instance make_common_settings(Host& host, const Vm& vm, const std::string& guid) {
    Instance settings{.class_name = "Msvm_VirtualSystemSettingData"};
    settings["InstanceID"] = settings_id(guid);
    settings["Caption"] = host.say(Text::virtual_machine_settings);
    settings["VirtualSystemIdentifier"] = vm.id;
    settings["VirtualSystemSubType"] = fmt::format("Microsoft:Hyper-V:SubType:{}", vm.generation);
    settings["Version"] = vm.version;
    settings["ConfigurationID"] = guid;
    settings["Notes"] = vm.notes;
    for (const char* root : {"ConfigurationDataRoot", "SnapshotDataRoot", "SuspendDataRoot",
                             "SwapFileDataRoot", "LogDataRoot", "GuestStateDataRoot"}) {
        settings[root] = vm.root(root);
    }
    settings["UserSnapshotType"] = 3;
    settings["IsSaved"] = vm.state == "saved";
    settings["IncrementalBackupEnabled"] = false;
    settings["AutomaticSnapshotsEnabled"] = false;
    settings["IsAutomaticSnapshot"] = false;
    settings["AutomaticStartupAction"] = 3;
    settings["AutomaticShutdownAction"] = 3;
    settings["AutomaticRecoveryAction"] = 3;
    settings["BIOSGUID"] = "{" + vm.id + "}";
    settings["BIOSNumLock"] = false;
    settings["SecureBootEnabled"] = vm.generation == 2;
    settings["VirtualNumaEnabled"] = true;
    settings["TurnOffOnGuestRestart"] = false;
    for (const auto& [name, value] : vm.settings.items())
        settings[name] = from_json(value);
    return settings;
}

Instance make_vm_settings(Host& host, const Vm& vm, const char* type) {
    Instance settings = make_common_settings(host, vm, vm.id);
    settings["Description"] = "Active settings for the virtual machine";
    settings["ElementName"] = vm.name;
    settings["VirtualSystemType"] = type;
    settings["CreationTime"] = vm.configured;
    settings["ConfigurationFile"] = "Virtual Machines\\" + vm.id + ".vmcx";
    settings["GuestStateFile"] = "Virtual Machines\\" + vm.id + ".vmgs";
    if (!vm.current_snapshot.empty()) settings["Parent"] = settings_id(vm.current_snapshot);
    return settings;
}

Instance make_snapshot_settings(Host& host, const Vm& vm, const Snapshot& snapshot) {
    Instance settings = make_common_settings(host, vm, snapshot.id);
    settings["Description"] = "Snapshot settings for the virtual machine";
    settings["ElementName"] = snapshot.name;
    settings["VirtualSystemType"] = snapshot.kind == SnapshotKind::recovery
                                        ? "Microsoft:Hyper-V:Snapshot:Recovery"
                                        : "Microsoft:Hyper-V:Snapshot:Realized";
    settings["CreationTime"] = snapshot.created;
    settings["ConfigurationFile"] = "Snapshots\\" + snapshot.id + ".vmcx";
    settings["GuestStateFile"] = "Snapshots\\" + snapshot.id + ".vmgs";
    return settings;
}

}  // namespace

std::vector<Instance> list_instances(Host& host, const Viewer& viewer,
                                     const std::string& name_space, const std::string& class_name) {
    std::vector<Instance> result;
    const bool is_filtered =
        !viewer.sees_virtual_machines || host.faults().is_planned("empty-inventory", class_name);
    for (const MakerRow& row : makers()) {
        if (!same_name(row.name_space, name_space)) continue;
        if (!host.schema().is_a(name_space, row.class_name, class_name)) continue;
        if (row.needs_rights && is_filtered) continue;
        for (Instance& instance : row.make(host, row.class_name)) {
            instance.name_space = name_space;
            result.push_back(std::move(instance));
        }
    }
    return result;
}

std::optional<Instance> find_instance(Host& host, const Viewer& viewer, const ObjectRef& ref) {
    for (Instance& instance : list_instances(host, viewer, ref.name_space, ref.class_name)) {
        const bool is_match = std::all_of(ref.keys.begin(), ref.keys.end(), [&](const auto& key) {
            const Value& value = instance.at(key.first);
            return !value.is_null() && same_name(to_text(value.items.front()), key.second);
        });
        if (is_match) return std::move(instance);
    }
    return std::nullopt;
}

bool same_object(const ObjectRef& a, const ObjectRef& b) {
    if (!same_name(a.class_name, b.class_name) || a.keys.size() != b.keys.size()) return false;
    return std::equal(a.keys.begin(), a.keys.end(), b.keys.begin(),
                      [](const auto& x, const auto& y) {
                          return same_name(x.first, y.first) && same_name(x.second, y.second);
                      });
}

std::vector<Instance> make_computer_systems(Host& host) {
    std::vector<Instance> result{make_host_system(host)};
    for (const Vm& vm : host.model().vms)
        result.push_back(make_vm_system(host, vm));
    return result;
}

std::vector<Instance> make_planned_systems(Host& host) {
    std::vector<Instance> result;
    for (const Vm& vm : host.model().planned) {
        Instance system{.class_name = "Msvm_PlannedComputerSystem"};
        system["Caption"] = host.say(Text::virtual_machine);
        system["Description"] = "Microsoft Planned Virtual Machine";
        system["CreationClassName"] = "Msvm_PlannedComputerSystem";
        system["Name"] = vm.id;
        system["ElementName"] = vm.name;
        system["EnabledDefault"] = 2;
        system["EnabledState"] = 3;
        system["HealthState"] = 5;
        system["InstallDate"] = vm.configured;
        system["OnTimeInMilliseconds"] = std::uint64_t{0};
        system["OperationalStatus"] = std::vector<std::uint32_t>{2};
        system["RequestedState"] = 12;
        system["ResetCapability"] = 1;
        system["Status"] = "OK";
        system["TimeOfLastConfigurationChange"] = vm.configured;
        system["TimeOfLastStateChange"] = vm.configured;
        result.push_back(std::move(system));
    }
    return result;
}

std::vector<Instance> make_settings(Host& host) {
    std::vector<Instance> result;
    for (const char* name : {"Default", "Planned"}) {
        Instance definition{.class_name = "Msvm_VirtualSystemSettingData"};
        definition["InstanceID"] = fmt::format("Microsoft:Definition\\Virtual System\\{}", name);
        definition["ElementName"] = "New Virtual Machine";
        definition["VirtualSystemType"] = "Microsoft:Hyper-V:System:Realized";
        definition["VirtualSystemSubType"] = "Microsoft:Hyper-V:SubType:1";
        result.push_back(std::move(definition));
    }
    for (const Vm& vm : host.model().vms)
        result.push_back(make_vm_settings(host, vm, "Microsoft:Hyper-V:System:Realized"));
    for (const Vm& vm : host.model().planned)
        result.push_back(make_vm_settings(host, vm, "Microsoft:Hyper-V:System:Planned"));
    for (const Snapshot& snapshot : host.model().snapshots) {
        const Vm* vm = host.model().find_vm(snapshot.vm_id);
        if (vm != nullptr) result.push_back(make_snapshot_settings(host, *vm, snapshot));
    }
    return result;
}

}  // namespace entrepot::hostsim
