// The model's life: made from the configuration, kept in STATE/state.json, settled by the clock.
#include "tests/hostsim/host/host.h"

#include "base/error.h"
#include "base/file_system.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <set>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kStateBytesMax = 64 * kMiB;

/// A GUID that a name always gives.
Guid guid_of(const std::string& text) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
    return Guid::from_bytes(std::as_bytes(std::span{digest}).first(Guid::kSizeBytes));
}

bool may_have_equal_names(const Config& config, const Vm& vm) {
    return config.seed != 0 &&
           guid_of(fmt::format("{}/{}", config.seed, vm.id)).bytes[0] < std::byte{0x60};
}

}  // namespace

Host::Host(Config config)
    : config_(std::move(config)), schema_(Schema::default_file(config_.schema), config_.os_build) {
    std::filesystem::create_directories(config_.state);
    for (const char* folder : {"frozen", "tracking"}) {
        std::filesystem::create_directories(config_.state / folder);
    }
    requests_.open(config_.state / "requests.jsonl", std::ios::app);
    exports_.open(config_.state / "exports.jsonl", std::ios::app);
    for (const Json& fault : config_.faults)
        faults_.add(fault);
    load();
    clock_offset_ms_ = model_.clock_offset.count();
    model_.booted = now();
    add_configured_vms();
    remove_orphans();
    save();
}

DateTime Host::now() const {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()) +
           std::chrono::milliseconds{clock_offset_ms_.load()};
}

Guid Host::make_guid() {
    return Guid::make_random(random_);
}

void Host::shift_clock(std::chrono::milliseconds offset) {
    model_.clock_offset += offset;
    clock_offset_ms_ = model_.clock_offset.count();
}

void Host::load() {
    const auto file = config_.state / "state.json";
    if (!std::filesystem::exists(file)) return;
    PosixFileSystem files;
    const Bytes text = files.read_file(file, kStateBytesMax);
    model_ = model_from_json(parse_json(as_text(text), file.string()));
    // A restart is a reboot: merges that hung begin again and end.
    for (Vm& vm : model_.vms) {
        vm.is_merge_disabled = false;
        if (!vm.merging.empty()) vm.merge_ends = now();
    }
}

void Host::add_configured_vms() {
    for (const Json& json : config_.virtual_machines) {
        Vm vm = make_vm(json, *this);
        const auto& removed = model_.removed_vms;
        const bool is_removed = std::find(removed.begin(), removed.end(), vm.id) != removed.end();
        if (model_.find_vm(vm.id) == nullptr && !is_removed) model_.vms.push_back(std::move(vm));
    }
}

void Host::save() const {
    const auto file = config_.state / "state.json";
    const auto temporary = config_.state / "state.json.new";
    {
        std::ofstream out{temporary, std::ios::trunc};
        out << dump_json(model_to_json(model_), 1) << '\n';
        if (!out.flush()) throw Error{ErrorCode::io, "cannot write the simulator's state"};
    }
    std::filesystem::rename(temporary, file);
}

void Host::settle() {
    const DateTime time = now();
    bool is_changed = false;
    for (Vm& vm : model_.vms) {
        if (vm.merging.empty() || vm.is_merge_disabled) continue;
        if (!vm.merge_ends || *vm.merge_ends > time) continue;
        for (VmDisk& disk : vm.disks) {
            std::erase_if(disk.chain, [&](const std::string& name) {
                return std::find(vm.merging.begin(), vm.merging.end(), name) != vm.merging.end();
            });
        }
        vm.merging.clear();
        vm.merge_ends.reset();
        is_changed = true;
    }
    std::erase_if(model_.jobs, [&](const auto& entry) {
        const Job& job = entry.second;
        return job.finished && *job.finished + config_.speed.job_removal <= time;
    });
    if (is_changed) save();
}

void Host::remove_orphans() const {
    std::set<std::string> used;
    for (const Snapshot& snapshot : model_.snapshots) {
        for (const FrozenDisk& disk : snapshot.disks)
            used.insert(disk.content);
    }
    for (const ReferencePoint& point : model_.reference_points) {
        for (const TrackedDisk& disk : point.disks)
            used.insert(disk.digests);
    }
    for (const std::string folder : {"frozen", "tracking"}) {
        for (const auto& entry : std::filesystem::directory_iterator{state_path(folder)}) {
            const std::string name = folder + "/" + entry.path().filename().string();
            if (!used.contains(name)) std::filesystem::remove(entry.path());
        }
    }
}

void Host::log_request(const Json& line) {
    const std::lock_guard lock{log_mutex_};
    requests_ << dump_json(line) << std::endl;
}

void Host::log_export(const Json& line) {
    const std::lock_guard lock{log_mutex_};
    exports_ << dump_json(line) << std::endl;
}

/// A VM may be called what a file may not: an administrator names its files without those
/// characters.
static std::string windows_file_name(std::string name) {
    constexpr std::string_view kForbidden = "<>:\"/\\|?*";
    for (char& c : name) {
        const bool is_control = static_cast<unsigned char>(c) < 0x20;
        if (is_control || kForbidden.find(c) != std::string_view::npos) c = '_';
    }
    return name;
}

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
    vm.version = json.value("version", "10.0");
    vm.state = json.value("state", "running");
    vm.has_guest_vss = json.value("guest_vss", true);
    vm.configured = host.now();
    int number = 0;
    for (const Json& disk : json.value("disks", Json::array())) {
        vm.disks.push_back(make_disk(disk, vm, number++, host));
    }
    return vm;
}

}  // namespace entrepot::hostsim
