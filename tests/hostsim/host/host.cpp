// The model's life: made from the configuration, kept in STATE/state.json, settled by the clock.
#include "tests/hostsim/host/host.h"

#include "base/error.h"
#include "base/file_system.h"
#include "tests/hostsim/host/crowd.h"
#include "tests/hostsim/host/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kStateBytesMax = 64 * kMiB;

}  // namespace

Host::Host(Config config)
    : config_(std::move(config)), schema_(Schema::default_file(config_.schema), config_.os_build) {
    if (!config_.has_hyper_v) schema_.remove_namespace(kVirtualizationNamespace);
    if (config_.cluster.empty()) schema_.remove_namespace(kClusterNamespace);
    std::filesystem::create_directories(config_.state);
    for (const char* folder : {"frozen", "tracking", "disks"}) {
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
    add_crowd(*this);
    remove_orphans();
    save();
}

DateTime Host::now() const {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()) +
           std::chrono::milliseconds{clock_offset_ms_.load()};
}

Language Host::language() const {
    if (faults_.is_planned("german", "text")) return Language::german;
    if (faults_.is_planned("japanese", "text")) return Language::japanese;
    return config_.language;
}

std::string Host::localise(const std::string& english, const std::string& what) const {
    if (language() == Language::english) return english;
    const std::string text = say(Text::operation_failed);
    return what.empty() ? text : fmt::format("{} '{}'", text, what);
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
    for (const Vm& vm : model_.vms) {
        for (const VmDisk& disk : vm.disks)
            used.insert("disks/" + disk.raw.filename().string());
    }
    for (const std::string folder : {"frozen", "tracking", "disks"}) {
        for (const auto& entry : std::filesystem::directory_iterator{state_path(folder)}) {
            const std::string name = folder + "/" + entry.path().filename().string();
            if (!used.contains(name)) std::filesystem::remove(entry.path());
        }
    }
}

void Host::forget_vm(const std::string& id) {
    std::erase_if(model_.reference_points, [&](const ReferencePoint& point) {
        if (point.vm_id != id) return false;
        for (const TrackedDisk& disk : point.disks)
            std::filesystem::remove(state_path(disk.digests));
        return true;
    });
    std::erase_if(model_.snapshots, [&](const Snapshot& snapshot) {
        if (snapshot.vm_id != id) return false;
        for (const FrozenDisk& disk : snapshot.disks)
            std::filesystem::remove(state_path(disk.content));
        return true;
    });
    model_.removed_vms.push_back(id);
}

void Host::log_request(const Json& line) {
    const std::lock_guard lock{log_mutex_};
    requests_ << dump_json(line) << std::endl;
}

void Host::log_export(const Json& line) {
    const std::lock_guard lock{log_mutex_};
    exports_ << dump_json(line) << std::endl;
}

}  // namespace entrepot::hostsim
