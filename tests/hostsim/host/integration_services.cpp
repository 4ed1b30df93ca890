// What the host shows of a guest's integration services, and of what the guest says by them.
#include "tests/hostsim/host/inventory.h"
#include "tests/hostsim/host/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace entrepot::hostsim {
namespace {

struct ServiceRow {
    const char* class_name;
    const char* key;  ///< In a VM's `integration_services`.
    const char* device;
    const char* element_name;
};

constexpr std::array<ServiceRow, 6> kServices{{
    {"Msvm_VssComponent", "backup", "5CED1297-4598-4915-A5FC-AD21BB4D02A4",
     "Backup (volume shadow copy)"},
    {"Msvm_HeartbeatComponent", "heartbeat", "84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47", "Heartbeat"},
    {"Msvm_KvpExchangeComponent", "data_exchange", "2A34B1C2-FD73-4043-8A5B-DD2159BC743F",
     "Key-Value Pair Exchange"},
    {"Msvm_ShutdownComponent", "shutdown", "9F8233AC-BE49-4C79-8EE3-E7E1985B2077", "Shutdown"},
    {"Msvm_TimeSyncComponent", "time", "2497F4DE-E9FA-4204-80E4-4B75C46419C0",
     "Time Synchronization"},
    {"Msvm_GuestServiceInterfaceComponent", "files", "6C09BB55-D683-4DA0-8931-C9BF705F6480",
     "Guest Service Interface"},
}};

/// "ok", "off", or "no-contact", which is what a guest without the service shows.
std::string state_of(const Vm& vm, const ServiceRow& row) {
    const Json services = vm.traits.value("integration_services", Json::object());
    if (services.contains(row.key)) return services.at(row.key);
    const std::string key = row.key;
    // Windows leaves this one off in a new VM.
    if (key == "files") return "off";
    if (key == "backup") return vm.has_guest_vss && vm.state == "running" ? "ok" : "off";
    return vm.state == "running" ? "ok" : "no-contact";
}

std::string item_xml(const char* name, const std::string& data) {
    std::string escaped;
    for (const char c : data)
        escaped += c == '&' ? "&#38;" : c == '<' ? "&#60;" : std::string(1, c);
    return fmt::format(
        "<INSTANCE CLASSNAME=\"Msvm_KvpExchangeDataItem\"><PROPERTY NAME=\"Caption\" "
        "TYPE=\"string\"></PROPERTY><PROPERTY NAME=\"Data\" TYPE=\"string\"><VALUE>{}</VALUE>"
        "</PROPERTY><PROPERTY NAME=\"Name\" TYPE=\"string\"><VALUE>{}</VALUE></PROPERTY>"
        "<PROPERTY NAME=\"Source\" TYPE=\"uint16\"><VALUE>2</VALUE></PROPERTY></INSTANCE>",
        escaped, name);
}

/// GuestIntrinsicExchangeItems: what a guest says of itself.
std::vector<std::string> intrinsic_items(const Vm& vm) {
    const Json guest = vm.traits.value("guest", Json::object());
    std::vector<std::string> items;
    if (guest.contains("host_name")) {
        items.push_back(item_xml("FullyQualifiedDomainName", guest.at("host_name")));
    }
    if (guest.contains("os")) items.push_back(item_xml("OSName", guest.at("os")));
    return items;
}

}  // namespace

std::vector<Instance> make_integration_components(Host& host, const std::string& class_name) {
    const auto row = std::find_if(kServices.begin(), kServices.end(), [&](const ServiceRow& one) {
        return class_name == one.class_name;
    });
    std::vector<Instance> result;
    for (const Vm& vm : host.model().vms) {
        const std::string state = state_of(vm, *row);
        Instance component{.class_name = class_name};
        component["CreationClassName"] = class_name;
        component["DeviceID"] = fmt::format("{}\\{}", settings_id(vm.id), row->device);
        component["SystemCreationClassName"] = "Msvm_ComputerSystem";
        component["SystemName"] = vm.id;
        component["ElementName"] = row->element_name;
        component["EnabledState"] = state == "off" ? 3 : 2;
        component["OperationalStatus"] = std::vector<std::uint32_t>{state == "ok" ? 2U : 12U};
        if (class_name == "Msvm_KvpExchangeComponent" && state == "ok") {
            component["GuestIntrinsicExchangeItems"] = intrinsic_items(vm);
        }
        result.push_back(std::move(component));
    }
    return result;
}

}  // namespace entrepot::hostsim
