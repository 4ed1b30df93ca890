// Joining adapters with their connections and switches.
#include "exporter/hyperv/hardware_reader.h"

#include "exporter/cim/object_path.h"
#include "exporter/hyperv/disk_list.h"
#include "exporter/wsman/fault.h"

#include <algorithm>
#include <cctype>

namespace entrepot::hyperv {
namespace {

constexpr std::string_view kSettingsClass = "Msvm_VirtualSystemSettingData";
constexpr std::string_view kComponent = "Msvm_VirtualSystemSettingDataComponent";
constexpr std::string_view kImages = "Msvm_StorageAllocationSettingData";
constexpr std::string_view kConnections = "Msvm_EthernetPortAllocationSettingData";
constexpr std::string_view kSwitches = "Msvm_VirtualEthernetSwitch";
constexpr std::string_view kSecurity = "Msvm_SecuritySettingData";
constexpr std::string_view kDvd = "Microsoft:Hyper-V:Virtual CD/DVD Disk";
constexpr std::string_view kFloppy = "Microsoft:Hyper-V:Virtual Floppy Disk";
constexpr std::string_view kNoAddressYet = "000000000000";
constexpr std::uint64_t kSwitchedOff = 3;

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

std::string mac_of(const cim::Instance& adapter) {
    std::string address;
    for (const char c : adapter.text("Address")) {
        if (std::isxdigit(static_cast<unsigned char>(c)) != 0) address += c;
    }
    address = upper(address);
    return address == kNoAddressYet ? std::string{} : address;
}

// By its parent; by its own id, which begins with the adapter's, where none can be read.
bool belongs_to(const cim::Instance& connection, const NetworkAdapter& adapter) {
    const std::string port = parent_instance_of(connection);
    if (!port.empty()) return port == adapter.instance_id;
    return connection.text("InstanceID").starts_with(adapter.instance_id + "\\");
}

void add_connection(const cim::Instance& connection, const std::vector<VirtualSwitch>& switches,
                    NetworkAdapter& adapter) {
    adapter.connection_id = connection.text("InstanceID");
    const auto path = cim::parse_object_path(connection.text("HostResource"));
    if (path) adapter.switch_id = path->key("Name").value_or("");
    const auto known = std::find_if(
        switches.begin(), switches.end(),
        [&](const VirtualSwitch& one) { return upper(one.id) == upper(adapter.switch_id); });
    adapter.switch_name =
        known == switches.end() ? connection.text("LastKnownSwitchName") : known->name;
    adapter.is_connected =
        !adapter.switch_id.empty() && connection.number("EnabledState") != kSwitchedOff;
}

}  // namespace

std::vector<cim::Instance> HardwareReader::list_known(std::string_view class_name) {
    try {
        return wmi_.list(class_name);
    } catch (const wsman::Fault& fault) {
        if (!fault.is_class_missing()) throw;
        return {};
    }
}

std::vector<cim::Instance> HardwareReader::list_parts(const std::string& settings_id,
                                                      std::string_view class_name) {
    try {
        auto found = wmi_.find_associated(wmi_.path(kSettingsClass, {{"InstanceID", settings_id}}),
                                          kComponent, class_name);
        if (found) return std::move(*found);
    } catch (const wsman::Fault& fault) {
        if (!fault.is_class_missing()) throw;
        return {};
    }
    return list_own(settings_id, class_name);
}

std::vector<cim::Instance> HardwareReader::list_own(const std::string& settings_id,
                                                    std::string_view class_name) {
    auto all = list_known(class_name);
    std::erase_if(all, [&](const cim::Instance& part) {
        return settings_guid(part.text("InstanceID")) != settings_guid(settings_id);
    });
    return all;
}

std::vector<VirtualSwitch> HardwareReader::list_switches() {
    std::vector<VirtualSwitch> switches;
    for (const cim::Instance& one : list_known(kSwitches))
        switches.push_back({one.text("Name"), one.text("ElementName")});
    std::sort(switches.begin(), switches.end(),
              [](const VirtualSwitch& a, const VirtualSwitch& b) { return a.name < b.name; });
    return switches;
}

std::vector<NetworkAdapter> HardwareReader::read_adapters(const std::string& settings_id) {
    std::vector<NetworkAdapter> adapters;
    for (const char* class_name :
         {"Msvm_SyntheticEthernetPortSettingData", "Msvm_EmulatedEthernetPortSettingData"}) {
        for (const cim::Instance& part : list_parts(settings_id, class_name)) {
            NetworkAdapter adapter;
            adapter.class_name = class_name;
            adapter.instance_id = part.text("InstanceID");
            adapter.name = part.text("ElementName");
            adapter.mac_address = mac_of(part);
            adapter.is_mac_static = part.flag("StaticMacAddress");
            adapters.push_back(std::move(adapter));
        }
    }
    if (adapters.empty()) return adapters;
    const auto switches = list_switches();
    for (const cim::Instance& connection : list_parts(settings_id, kConnections)) {
        for (NetworkAdapter& adapter : adapters) {
            if (belongs_to(connection, adapter)) add_connection(connection, switches, adapter);
        }
    }
    std::sort(adapters.begin(), adapters.end(),
              [](const NetworkAdapter& a, const NetworkAdapter& b) {
                  return a.instance_id < b.instance_id;
              });
    return adapters;
}

VmHardware HardwareReader::read(const std::string& settings_id) {
    VmHardware hardware;
    hardware.adapters = read_adapters(settings_id);
    for (const cim::Instance& image : list_parts(settings_id, kImages)) {
        const std::string kind = image.text("ResourceSubType");
        const std::string path = image.text("HostResource");
        const bool is_medium = (kind == kDvd || kind == kFloppy) && !path.empty();
        if (is_medium) hardware.media.push_back({image.text("InstanceID"), path});
    }
    // Whether the association shows it, no document says.
    auto security = list_parts(settings_id, kSecurity);
    if (security.empty()) security = list_own(settings_id, kSecurity);
    for (const cim::Instance& one : security) {
        if (one.has_property("TpmEnabled")) hardware.has_tpm = one.flag("TpmEnabled");
    }
    return hardware;
}

std::vector<Disk> HardwareReader::read_disks(const std::string& settings_id) {
    const auto images = list_parts(settings_id, kImages);
    const auto resources = list_parts(settings_id, "Msvm_ResourceAllocationSettingData");
    return DiskList{images, resources}.disks_of(settings_id);
}

}  // namespace entrepot::hyperv
