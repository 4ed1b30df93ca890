// The commands of `ctl`.
#include "tests/hostsim/host/control.h"

#include "base/error.h"
#include "tests/hostsim/disk/file_handle.h"
#include "tests/hostsim/host/audit.h"
#include "tests/hostsim/host/fault_kinds.h"
#include "tests/hostsim/host/host_events.h"
#include "tests/hostsim/host/names.h"
#include "tests/hostsim/host/snapshot_operations.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace entrepot::hostsim {
namespace {

using Words = std::vector<std::string>;

[[noreturn]] void refuse_usage(const std::string& why) {
    throw Error{ErrorCode::usage, why, control_help()};
}

const std::string& word(const Words& words, std::size_t index) {
    if (index >= words.size()) refuse_usage("a word is missing");
    return words[index];
}

Vm& need_vm(Host& host, const std::string& text) {
    Vm* vm = host.model().find_vm_by_name_or_id(text);
    if (vm == nullptr) throw Error{ErrorCode::not_found, fmt::format("no VM '{}'", text)};
    return *vm;
}

VmDisk& need_disk(Vm& vm, const std::string& text) {
    const int number = std::atoi(text.c_str());
    const auto disk = std::find_if(vm.disks.begin(), vm.disks.end(), [&](const VmDisk& candidate) {
        return candidate.number == number;
    });
    if (disk == vm.disks.end()) throw Error{ErrorCode::not_found, fmt::format("no disk {}", text)};
    return *disk;
}

/// As when side files are lost, or a disk is written to from outside (hyperv-wmi.md 5.6).
void invalidate_points(Host& host, const std::vector<std::string>& ids, const std::string& code) {
    const std::lock_guard lock{host.mutex()};
    for (const std::string& id : ids) {
        ReferencePoint* point = host.model().find_reference_point(id);
        if (point == nullptr) continue;
        point->is_invalid = true;
        point->invalid_code = static_cast<std::uint32_t>(std::strtoul(code.c_str(), nullptr, 0));
    }
    host.save();
}

/// "+1h", "-90s", "+2d", "+5m", "+100ms".
std::chrono::milliseconds parse_offset(const std::string& text) {
    char* end = nullptr;
    const long long number = std::strtoll(text.c_str(), &end, 10);
    const std::string unit = end;
    if (unit == "ms") return std::chrono::milliseconds{number};
    if (unit == "s") return std::chrono::seconds{number};
    if (unit == "m") return std::chrono::minutes{number};
    if (unit == "h") return std::chrono::hours{number};
    if (unit == "d") return std::chrono::hours{24 * number};
    refuse_usage("clock: +N and one of ms, s, m, h, d");
}

}  // namespace

std::string control_help() {
    return "fault add AT DO [TIMES] | fault clear | fault list | fault list-kinds | vm add JSON | "
           "vm remove VM | "
           "vm move VM | vm rename VM NAME | vm state VM running|off|saved|paused | "
           "disk add VM JSON | disk resize VM DISK BYTES | disk remove VM DISK | "
           "checkpoint create VM [NAME] | checkpoint create-recovery VM | "
           "checkpoint apply VM CHECKPOINT | checkpoint delete VM CHECKPOINT | "
           "reference-point drop VM [ID] | reference-point create VM | "
           "reference-point invalidate VM [ID|*] [HRESULT] | planned create NAME | "
           "planned remove ID | reboot | clock OFFSET | "
           "audit";
}

Json Control::run(const Words& words) {
    const std::string& noun = word(words, 0);
    if (noun == "audit") return audit();
    if (noun == "reboot") return reboot();
    if (noun == "fault") return change_fault(words);
    if (noun == "vm") return change_vm(words);
    if (noun == "disk") return change_disk(words);
    if (noun == "checkpoint") return change_checkpoint(words);
    if (noun == "reference-point") return drop_reference_points(words);
    if (noun == "planned") return change_planned(words);
    if (noun == "clock") {
        const std::lock_guard lock{host_.mutex()};
        host_.shift_clock(parse_offset(word(words, 1)));
        host_.settle();
        host_.save();
        return {{"now", format_datetime(host_.now())}};
    }
    refuse_usage(fmt::format("unknown command '{}'", noun));
}

Json Control::change_fault(const Words& words) {
    const std::string& verb = word(words, 1);
    if (verb == "list-kinds") return describe_fault_kinds();
    if (verb == "clear") {
        host_.faults().clear();
    } else if (verb == "add") {
        Json fault{{"at", word(words, 2)}, {"do", word(words, 3)}};
        if (words.size() > 4) fault["times"] = std::atoi(words[4].c_str());
        host_.faults().add(fault);
    } else if (verb != "list") {
        refuse_usage("fault add|clear|list|list-kinds");
    }
    return {{"faults", host_.faults().to_json()}};
}

Json Control::change_vm(const Words& words) {
    const std::string& verb = word(words, 1);
    const std::lock_guard lock{host_.mutex()};
    if (verb == "add") {
        Vm vm = make_vm(parse_json(word(words, 2), "vm add"), host_);
        if (host_.model().find_vm(vm.id) != nullptr) {
            throw Error{ErrorCode::already_exists, fmt::format("VM {} exists", vm.id)};
        }
        std::erase(host_.model().removed_vms, vm.id);
        host_.model().vms.push_back(vm);
        host_.save();
        return {{"id", vm.id}};
    }
    Vm& vm = need_vm(host_, word(words, 2));
    const std::string id = vm.id;
    if (verb == "rename") {
        vm.name = word(words, 3);
        vm.configured = host_.now();
    } else if (verb == "state") {
        vm.state = word(words, 3);
    } else if (verb == "remove" || verb == "move") {
        std::erase_if(host_.model().vms, [&](const Vm& item) { return item.id == id; });
        host_.forget_vm(id);
    } else {
        refuse_usage("vm add|remove|move|rename|state");
    }
    host_.save();
    return {{"id", id}};
}

Json Control::change_disk(const Words& words) {
    const std::string& verb = word(words, 1);
    const std::lock_guard lock{host_.mutex()};
    Vm& vm = need_vm(host_, word(words, 2));
    int number = 0;
    if (verb == "add") {
        for (const VmDisk& disk : vm.disks)
            number = std::max(number, disk.number + 1);
        vm.disks.push_back(make_disk(parse_json(word(words, 3), "disk add"), vm, number, host_));
    } else if (verb == "resize") {
        VmDisk& disk = need_disk(vm, word(words, 3));
        number = disk.number;
        FileHandle file{disk.raw, FileHandle::Mode::read_write};
        file.truncate(std::strtoull(word(words, 4).c_str(), nullptr, 10));
    } else if (verb == "remove") {
        number = need_disk(vm, word(words, 3)).number;
        std::erase_if(vm.disks, [&](const VmDisk& disk) { return disk.number == number; });
    } else {
        refuse_usage("disk add|resize|remove");
    }
    vm.configured = host_.now();
    host_.save();
    return {{"vm", vm.id}, {"disk", number}};
}

Json Control::change_checkpoint(const Words& words) {
    const std::string& verb = word(words, 1);
    std::string vm_id;
    {
        const std::lock_guard lock{host_.mutex()};
        vm_id = need_vm(host_, word(words, 2)).id;
    }
    try {
        if (verb == "create" || verb == "create-recovery") {
            SnapshotRequest request;
            request.vm_id = vm_id;
            request.kind = verb == "create" ? SnapshotKind::user : SnapshotKind::recovery;
            request.name = words.size() > 3 ? words[3] : std::string{};
            request.created_by = "ctl";
            return {{"id", take_snapshot(host_, request, [] {})}};
        }
        const std::string& id = word(words, 3);
        if (verb == "apply") {
            apply_checkpoint(host_, id);
        } else if (verb == "delete") {
            destroy_snapshot_object(host_, id);
        } else {
            refuse_usage("checkpoint create|create-recovery|apply|delete");
        }
        return {{"id", id}};
    } catch (const JobFailure& failure) {
        throw Error{ErrorCode::host_failure, failure.text};
    }
}

/// Planned VMs of another product.
Json Control::change_planned(const Words& words) {
    const std::string& verb = word(words, 1);
    if (verb == "create") return {{"id", add_foreign_planned(host_, word(words, 2))}};
    if (verb != "remove") refuse_usage("planned create|remove");
    const std::lock_guard lock{host_.mutex()};
    const std::string id = word(words, 2);
    const bool is_known = std::erase_if(host_.model().planned,
                                        [&](const Vm& vm) { return same_name(vm.id, id); }) != 0;
    if (!is_known) throw Error{ErrorCode::not_found, fmt::format("no planned VM '{}'", id)};
    host_.save();
    return {{"id", id}};
}

Json Control::drop_reference_points(const Words& words) {
    const std::string& verb = word(words, 1);
    std::vector<std::string> ids;
    std::string vm_id;
    {
        const std::lock_guard lock{host_.mutex()};
        vm_id = need_vm(host_, word(words, 2)).id;
        for (const ReferencePoint& point : host_.model().reference_points) {
            const bool is_wanted =
                words.size() < 4 || words[3] == "*" || same_name(words[3], point.id);
            if (point.vm_id == vm_id && is_wanted) ids.push_back(point.id);
        }
    }
    try {
        if (verb == "create") {
            SnapshotRequest request;
            request.vm_id = vm_id;
            request.created_by = "ctl";
            const std::string snapshot = take_snapshot(host_, request, [] {});
            return {{"id", convert_snapshot(host_, snapshot, "ctl", [] {})}};
        }
        if (verb == "invalidate") {
            const std::string code = words.size() > 4 ? words[4] : "0xC03A0029";
            invalidate_points(host_, ids, code);
            return {{"invalidated", ids}};
        }
        if (verb != "drop") refuse_usage("reference-point drop|create|invalidate");
        for (const std::string& id : ids)
            drop_reference_point(host_, id);
    } catch (const JobFailure& failure) {
        throw Error{ErrorCode::host_failure, failure.text};
    }
    return {{"dropped", ids}};
}

/// What a restart of the host leaves: no jobs, no contexts, no connections; snapshots stay.
Json Control::reboot() {
    drop_connections_();
    jobs_.stop_all();
    const std::lock_guard lock{host_.mutex()};
    endpoint_.enumerations().clear();
    host_.model().booted = host_.now();
    for (Vm& vm : host_.model().vms) {
        vm.is_merge_disabled = false;
        if (!vm.merging.empty()) vm.merge_ends = host_.now();
    }
    host_.settle();
    host_.save();
    return {{"booted", format_datetime(host_.model().booted)}};
}

Json Control::audit() {
    Json result = make_audit(host_);
    const std::lock_guard lock{host_.mutex()};
    result["enumeration_contexts"] = endpoint_.enumerations().count();
    result["running_jobs"] = jobs_.running_count();
    result["failed_logins"] = endpoint_.failed_logins();
    return result;
}

}  // namespace entrepot::hostsim
