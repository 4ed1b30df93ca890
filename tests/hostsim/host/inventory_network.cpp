// Switches, network adapters and their connections; security settings (hyperv-wmi.md 2.12, 6.1).
#include "tests/hostsim/host/inventory.h"

#include "tests/hostsim/cim/object_path.h"
#include "tests/hostsim/host/names.h"

#include <fmt/format.h>

namespace entrepot::hostsim {
namespace {

constexpr std::uint32_t kEthernetAdapter = 10;
constexpr std::uint32_t kEthernetConnection = 33;
constexpr std::uint32_t kEnabled = 2;
constexpr std::uint32_t kDisabled = 3;

Instance make_adapter(const NetworkAdapter& adapter, const std::string& owner) {
    Instance settings{.class_name = "Msvm_SyntheticEthernetPortSettingData"};
    settings["InstanceID"] = adapter_id(owner, adapter);
    settings["Caption"] = "Ethernet Port";
    settings["Description"] = "Settings for the Microsoft Synthetic Ethernet Port.";
    settings["ElementName"] = adapter.name;
    settings["ResourceType"] = kEthernetAdapter;
    settings["ResourceSubType"] = "Microsoft:Hyper-V:Synthetic Ethernet Port";
    settings["Address"] = adapter.mac;
    settings["StaticMacAddress"] = adapter.is_static_mac;
    settings["AutomaticAllocation"] = true;
    settings["AutomaticDeallocation"] = true;
    settings["ConsumerVisibility"] = 3;
    settings["ClusterMonitored"] = true;
    settings["AllowPacketDirect"] = false;
    settings["DeviceNamingEnabled"] = false;
    settings["InterruptModeration"] = false;
    settings["NumaAwarePlacement"] = false;
    settings["PoolID"] = "";
    settings["VirtualQuantity"] = std::uint64_t{1};
    settings["VirtualQuantityUnits"] = "count";
    settings["AllocationUnits"] = "count";
    settings["VirtualSystemIdentifiers"] = std::vector<std::string>{"{" + adapter.id + "}"};
    return settings;
}

Instance make_connection(const Host& host, const NetworkAdapter& adapter,
                         const std::string& owner) {
    Instance settings{.class_name = "Msvm_EthernetPortAllocationSettingData"};
    settings["InstanceID"] = connection_id(owner, adapter);
    settings["Caption"] = "Ethernet Switch Port Settings";
    settings["Description"] = "Ethernet Switch Port Settings";
    settings["ElementName"] = "Dynamic Ethernet Switch Port";
    settings["ResourceType"] = kEthernetConnection;
    settings["ResourceSubType"] = "Microsoft:Hyper-V:Ethernet Connection";
    settings["Parent"] =
        path_of(host, "Msvm_SyntheticEthernetPortSettingData", adapter_id(owner, adapter));
    const bool is_connected = !adapter.switch_id.empty();
    settings["EnabledState"] = is_connected ? kEnabled : kDisabled;
    if (is_connected) {
        settings["HostResource"] = std::vector<std::string>{
            format_object_path(switch_ref(adapter.switch_id), host.config().host_name)};
    }
    settings["LastKnownSwitchName"] = adapter.switch_name;
    settings["Address"] = "";
    settings["AutomaticAllocation"] = true;
    settings["AutomaticDeallocation"] = true;
    settings["ConsumerVisibility"] = 3;
    settings["PoolID"] = "";
    settings["VirtualQuantity"] = std::uint64_t{1};
    settings["AllocationUnits"] = "count";
    return settings;
}

}  // namespace

std::vector<Instance> make_switches(Host& host) {
    std::vector<Instance> result;
    for (const SwitchConfig& row : host.config().switches) {
        Instance instance{.class_name = "Msvm_VirtualEthernetSwitch"};
        instance["CreationClassName"] = "Msvm_VirtualEthernetSwitch";
        instance["Name"] = row.id;
        instance["ElementName"] = row.name;
        instance["Caption"] = host.say(Text::virtual_switch);
        instance["Description"] = "Microsoft Virtual Switch";
        instance["EnabledDefault"] = 2;
        instance["EnabledState"] = 5;
        instance["HealthState"] = 5;
        instance["MaxIOVOffloads"] = 0;
        instance["MaxVMQOffloads"] = 1;
        instance["OperationalStatus"] = std::vector<std::uint32_t>{2};
        instance["RequestedState"] = 12;
        instance["Status"] = "OK";
        result.push_back(std::move(instance));
    }
    return result;
}

std::vector<Instance> make_switch_settings(Host& host) {
    std::vector<Instance> result;
    for (const SwitchConfig& row : host.config().switches) {
        Instance settings{.class_name = "Msvm_VirtualEthernetSwitchSettingData"};
        settings["InstanceID"] = settings_id(row.id);
        settings["VirtualSystemIdentifier"] = row.id;
        settings["ElementName"] = row.name;
        settings["Caption"] = "Virtual Switch Settings";
        settings["IOVPreferred"] = false;
        settings["BandwidthReservationMode"] = 1;
        result.push_back(std::move(settings));
    }
    return result;
}

std::vector<Instance> make_adapter_settings(Host& host) {
    std::vector<Instance> result;
    for_each_owner(host, [&](const Vm& vm, const std::string& owner, const auto&) {
        for (const NetworkAdapter& adapter : vm.adapters)
            result.push_back(make_adapter(adapter, owner));
    });
    return result;
}

std::vector<Instance> make_connection_settings(Host& host) {
    std::vector<Instance> result;
    for_each_owner(host, [&](const Vm& vm, const std::string& owner, const auto&) {
        for (const NetworkAdapter& adapter : vm.adapters)
            result.push_back(make_connection(host, adapter, owner));
    });
    return result;
}

std::vector<Instance> make_security_settings(Host& host) {
    std::vector<Instance> result;
    for_each_owner(host, [&](const Vm& vm, const std::string& owner, const auto&) {
        Instance settings{.class_name = "Msvm_SecuritySettingData"};
        settings["InstanceID"] = security_id(owner);
        settings["Caption"] = "Security Settings";
        settings["Description"] = "Security Settings";
        settings["ElementName"] = "Security Settings";
        for (const char* flag :
             {"TpmEnabled", "KsdEnabled", "ShieldingRequested", "EncryptStateAndVmMigrationTraffic",
              "DataProtectionRequested", "VirtualizationBasedSecurityOptOut", "BindToHostTpm"}) {
            settings[flag] = false;
        }
        settings["TpmEnabled"] = vm.traits.value("tpm", false);
        settings["ShieldingRequested"] = vm.traits.value("shielded", false);
        result.push_back(std::move(settings));
    });
    return result;
}

}  // namespace entrepot::hostsim
