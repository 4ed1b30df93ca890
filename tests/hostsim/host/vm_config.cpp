// VMs as the configuration describes them.
#include "tests/hostsim/host/host.h"

#include "base/error.h"
#include "tests/hostsim/host/definition_file.h"
#include "tests/hostsim/host/names.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::hostsim {
namespace {

bool may_have_equal_names(const Config& config, const Vm& vm) {
    return config.seed != 0 &&
           guid_of(fmt::format("{}/{}", config.seed, vm.id)).bytes[0] < std::byte{0x60};
}

/// A VM may be called what a file may not: an administrator names its files without those
/// characters.
std::string windows_file_name(std::string name) {
    constexpr std::string_view kForbidden = "<>:\"/\\|?*";
    for (char& c : name) {
        const bool is_control = static_cast<unsigned char>(c) < 0x20;
        if (is_control || kForbidden.find(c) != std::string_view::npos) c = '_';
    }
    return name;
}

/// Windows gives MACs from this range of the Microsoft prefix, by host.
std::string make_mac(const std::string& seed) {
    const Guid guid = guid_of(seed);
    return fmt::format("00155D{:02X}{:02X}{:02X}", static_cast<unsigned>(guid.bytes[0]),
                       static_cast<unsigned>(guid.bytes[1]), static_cast<unsigned>(guid.bytes[2]));
}

std::string plain_mac(std::string text) {
    std::erase_if(text, [](char c) { return c == ':' || c == '-'; });
    const bool is_sound =
        text.size() == 12 && text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
    if (!is_sound) throw Error{ErrorCode::invalid, fmt::format("mac '{}'", text)};
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

NetworkAdapter make_adapter(const Json& json, const Vm& vm, std::size_t number, Host& host) {
    NetworkAdapter adapter;
    const std::string seed = fmt::format("{}/adapter/{}", vm.id, number);
    const auto id = Guid::parse(json.value("id", std::string{}));
    adapter.id = (id ? *id : guid_of(seed)).to_upper_string();
    adapter.name = json.value("name", adapter.name);
    adapter.mac = json.contains("mac") ? plain_mac(json.at("mac")) : make_mac(seed);
    adapter.is_static_mac = json.value("static_mac", json.contains("mac"));
    adapter.switch_name = json.value("switch", std::string{});
    if (adapter.switch_name.empty()) return adapter;
    for (const SwitchConfig& known : host.config().switches) {
        if (known.name == adapter.switch_name) adapter.switch_id = known.id;
    }
    if (adapter.switch_id.empty()) {
        throw Error{ErrorCode::invalid,
                    fmt::format("VM '{}': no switch '{}'", vm.name, adapter.switch_name)};
    }
    return adapter;
}

/// An image of a DVD lies in the drive; what it holds, nobody reads.
VmDisk make_dvd(const std::string& path, const Vm& vm) {
    VmDisk dvd;
    dvd.is_dvd = true;
    dvd.number = 1000;
    dvd.controller = vm.generation == 1 ? "ide" : "scsi";
    dvd.controller_number = vm.generation == 1 ? 1 : 0;
    dvd.location = vm.generation == 1 ? 0 : 63;
    dvd.set_medium(path);
    return dvd;
}

}  // namespace

VmDisk make_disk(const Json& json, const Vm& vm, int number, Host& host) {
    VmDisk disk;
    disk.number = number;
    disk.is_pass_through = json.value("pass_through", false);
    disk.is_shared = json.value("shared", false) || json.value("format", "vhdx") == "vhds";
    if (!disk.is_pass_through || json.contains("raw")) {
        disk.raw = json.at("raw").get<std::string>();
    }
    disk.controller = json.value("controller", "scsi");
    if (disk.controller != "scsi" && disk.controller != "ide") {
        throw Error{ErrorCode::invalid, fmt::format("controller '{}'", disk.controller)};
    }
    disk.controller_number = json.value("controller_number", 0);
    disk.location = json.value("location", number);
    disk.block_size = json.value("block_size", disk.block_size);
    disk.logical_sector_size = json.value("logical_sector_size", disk.logical_sector_size);
    const std::string format = json.value("format", "vhdx");
    if (format != "vhdx" && format != "vhds" && format != "vhd") {
        throw Error{ErrorCode::invalid, fmt::format("disk format '{}'", format)};
    }
    const auto given = Guid::parse(json.value("disk_id", std::string{}));
    disk.disk_id = given ? *given : guid_of(fmt::format("{}/disk/{}", vm.id, number));
    const bool is_same_name = may_have_equal_names(host.config(), vm);
    const std::string folder = windows_file_name(vm.name);
    const std::string stem =
        number == 0 || is_same_name ? folder : fmt::format("{}-{}", folder, number);
    disk.directory = fmt::format("C:\\ClusterStorage\\Volume1\\{}\\Virtual Hard Disks", folder);
    if (is_same_name && number > 0) disk.directory += fmt::format(" {}", number);
    disk.chain = {json.value("name", stem + "." + format)};
    return disk;
}

Vm make_vm(const Json& json, Host& host) {
    Vm vm;
    vm.name = json.at("name");
    const auto id = Guid::parse(json.value("id", std::string{}));
    if (json.contains("id") && !id) throw Error{ErrorCode::invalid, "id of a VM is no GUID"};
    vm.id = (id ? *id : guid_of("vm/" + vm.name)).to_upper_string();
    vm.generation = json.value("generation", 2U);
    vm.version = json.value("version", newest_version(host.config().os_build));
    vm.state = json.value("state", "running");
    vm.has_guest_vss = json.value("guest_vss", true);
    vm.configured = host.now();
    int number = 0;
    for (const Json& disk : json.value("disks", Json::array())) {
        vm.disks.push_back(make_disk(disk, vm, number++, host));
    }
    if (json.contains("dvd")) vm.disks.push_back(make_dvd(json.at("dvd"), vm));
    for (const Json& adapter : json.value("network_adapters", Json::array())) {
        vm.adapters.push_back(make_adapter(adapter, vm, vm.adapters.size(), host));
    }
    for (const char* trait : {"replication", "guest", "integration_services", "tpm", "shielded"}) {
        if (json.contains(trait)) vm.traits[trait] = json.at(trait);
    }
    if (json.contains("notes")) vm.notes = {json.at("notes").get<std::string>()};
    vm.created_by = "config";
    return vm;
}

}  // namespace entrepot::hostsim
