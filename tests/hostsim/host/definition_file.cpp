// Form: 4 bytes as Hyper-V's begin, noise, and at 8 KiB a mark, a length, a checksum and JSON.
#include "tests/hostsim/host/definition_file.h"

#include "base/crc32c.h"
#include "base/error.h"
#include "base/little_endian.h"
#include "tests/hostsim/host/job_runner.h"

#include <algorithm>
#include <cstdlib>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kFileBytes = 40994;  // As observed (hyperv-wmi.md 7.1).
constexpr std::size_t kNoiseBytes = 4096;
constexpr std::size_t kMarkOffset = 8192;
constexpr std::string_view kMark = "entrepot-hostsim";
constexpr std::size_t kHeadBytes = kMark.size() + 8;
constexpr std::uint32_t kInvalidData = 0x8007000D;

[[noreturn]] void refuse() {
    throw JobFailure{kInvalidData,
                     "The virtual machine configuration could not be read. The data "
                     "is invalid."};
}

VmDisk disk_of(const Json& json, const std::string& folder) {
    VmDisk disk;
    disk.number = json.at("number");
    disk.controller = json.at("controller");
    disk.controller_number = json.at("controller_number");
    disk.location = json.at("location");
    disk.is_shared = json.at("shared");
    disk.is_pass_through = json.at("pass_through");
    disk.is_dvd = json.at("dvd");
    const std::string file = json.value("file", std::string{});
    disk.set_medium(file.empty() ? json.at("path").get<std::string>()
                                 : folder + "\\Virtual Hard Disks\\" + file);
    return disk;
}

Vm read_vm(const Json& json, const std::string& folder) {
    Vm vm;
    vm.id = json.at("id");
    vm.name = json.at("name");
    vm.generation = json.at("generation");
    vm.version = json.at("version");
    vm.state = "off";
    vm.has_guest_vss = json.at("guest_vss");
    vm.notes = json.at("notes").get<std::vector<std::string>>();
    vm.settings = json.at("settings");
    if (json.contains("tpm")) vm.traits["tpm"] = json.at("tpm");
    vm.scsi_controller_count = json.at("scsi_controllers");
    for (const Json& disk : json.at("disks"))
        vm.disks.push_back(disk_of(disk, folder));
    for (const Json& item : json.at("adapters")) {
        vm.adapters.push_back({item.at("id"), item.at("name"), item.at("mac"),
                               item.at("static_mac"), item.at("switch_id"),
                               item.at("switch_name")});
    }
    return vm;
}

}  // namespace

Json make_definition(const Vm& vm) {
    Json disks = Json::array();
    for (const VmDisk& disk : vm.disks) {
        disks.push_back({{"number", disk.number},
                         {"controller", disk.controller},
                         {"controller_number", disk.controller_number},
                         {"location", disk.location},
                         {"path", disk.has_medium() ? disk.active_path() : std::string{}},
                         {"shared", disk.is_shared},
                         {"pass_through", disk.is_pass_through},
                         {"dvd", disk.is_dvd}});
    }
    Json adapters = Json::array();
    for (const NetworkAdapter& adapter : vm.adapters) {
        adapters.push_back({{"id", adapter.id},
                            {"name", adapter.name},
                            {"mac", adapter.mac},
                            {"static_mac", adapter.is_static_mac},
                            {"switch_id", adapter.switch_id},
                            {"switch_name", adapter.switch_name}});
    }
    return {{"id", vm.id},
            {"name", vm.name},
            {"tpm", vm.traits.value("tpm", false)},
            {"generation", vm.generation},
            {"version", vm.version},
            {"guest_vss", vm.has_guest_vss},
            {"notes", vm.notes},
            {"settings", vm.settings},
            {"scsi_controllers", vm.controller_count()},
            {"disks", std::move(disks)},
            {"adapters", std::move(adapters)}};
}

Bytes format_definition_file(const Json& definition, Random& random) {
    const std::string text = dump_json(definition);
    Bytes bytes(std::max(kFileBytes, kMarkOffset + kHeadBytes + text.size()));
    bytes[0] = std::byte{1};
    random.fill(MutableByteView{bytes}.subspan(4, kNoiseBytes));
    LittleEndianWriter body;
    body.bytes(as_bytes(kMark)).u32(static_cast<std::uint32_t>(text.size()));
    body.u32(crc32c(as_bytes(text))).bytes(as_bytes(text));
    std::copy(body.data().begin(), body.data().end(), bytes.begin() + kMarkOffset);
    return bytes;
}

Json parse_definition_file(ByteView bytes) {
    if (bytes.size() < kMarkOffset + kHeadBytes) refuse();
    LittleEndianReader in{bytes.subspan(kMarkOffset)};
    if (as_text(in.bytes(kMark.size())) != kMark) refuse();
    const std::uint32_t length = in.u32();
    const std::uint32_t checksum = in.u32();
    if (length > in.remaining()) refuse();
    const ByteView text = in.bytes(length);
    if (crc32c(text) != checksum) refuse();
    return parse_json(as_text(text), "the definition file");
}

Vm vm_from_definition(const Json& definition, const std::string& folder) {
    try {
        return read_vm(definition, folder);
    } catch (const Json::exception&) {
        refuse();
    }
}

std::string newest_version(std::uint32_t os_build) {
    if (os_build >= 26100) return "12.0";
    if (os_build >= 20348) return "10.0";
    return os_build >= 17763 ? "9.0" : "8.0";
}

bool is_newer_version(const std::string& a, const std::string& b) {
    const auto number = [](const std::string& text) {
        const std::size_t dot = text.find('.');
        const int minor = dot == std::string::npos ? 0 : std::atoi(text.c_str() + dot + 1);
        return std::atoi(text.c_str()) * 1000 + minor;
    };
    return number(a) > number(b);
}

}  // namespace entrepot::hostsim
