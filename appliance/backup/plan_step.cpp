// See plan_step.h; the rules are those of the architecture, section 3, and of the host reference,
// 5.1.
#include "appliance/backup/plan_step.h"

#include "appliance/backup/base_choice.h"
#include "appliance/backup/exported_disk.h"
#include "appliance/backup/host_calls.h"
#include "appliance/backup/host_objects.h"
#include "appliance/backup/host_records.h"
#include "appliance/backup/vm_facts.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace entrepot::backup {
namespace {

// Msvm_ComputerSystem.OperationalStatus[1], creating a snapshot to migrating.
constexpr std::uint16_t kBusyFirst = 32768;
constexpr std::uint16_t kBusyLast = 32774;
constexpr std::uint16_t kReplicaRecovery = 2;
constexpr std::uint16_t kReplicaTest = 3;
constexpr int kConfigurationVersionMin = 8;

bool is_busy(const hyperv::Vm& vm) {
    return std::any_of(
        vm.operational_status.begin(), vm.operational_status.end(),
        [](std::uint16_t status) { return status >= kBusyFirst && status <= kBusyLast; });
}

int major_version(const std::string& version) {
    int major = 0;
    std::from_chars(version.data(), version.data() + version.size(), major);
    return major;
}

std::string flag_reason(Run& run, std::string_view flag) {
    const auto found = run.services().state.vm_flags.find(run.record().id, run.plan().vm_id, flag);
    return found ? found->reason : std::string{};
}

Choice decide(Run& run, const RunPlan& plan, const hyperv::Vm& vm) {
    const Json& parameters = run.job().parameters();
    const auto points = list_points_of_vm(run.services(), plan.host_id, plan.vm_id);
    return choose_goal({.vm = vm,
                        .disks = plan.disks,
                        .points = points,
                        .is_full_wanted = parameters.value("full", false),
                        .full_every = parameters.value("full_every", std::uint32_t{0}),
                        .forced_full_reason = flag_reason(run, state::kForceFullFlag),
                        .lost_base_reason = flag_reason(run, kLostBaseFlag)});
}

}  // namespace

std::vector<repository::PointSummary> list_points_of_vm(const Services& services,
                                                        const std::string& host_id,
                                                        const std::string& vm_id) {
    std::vector<repository::PointSummary> points;
    for (auto& point : services.repository.list_points({.vm_id = vm_id})) {
        if (point.draft.host == host_id && equal_names(point.draft.vm_id, vm_id)) {
            points.push_back(std::move(point));
        }
    }
    return points;
}

void plan_disks(Run& run, RunPlan& plan, const hyperv::Vm& vm) {
    plan.disks.clear();
    plan.skipped.clear();
    plan.excluded_disk_ids.clear();
    plan.excluded_virtual_ids.clear();
    const auto exclusions = run.services().state.exclusions.list_of_vm(run.record().id, plan.vm_id);
    for (const hyperv::Disk& disk : sorted_disks(vm.disks)) {
        const auto excluded = std::find_if(
            exclusions.begin(), exclusions.end(),
            [&disk](const state::Exclusion& exclusion) { return exclusion.disk == disk.slot_id; });
        const std::string name = base_name(disk.path);
        if (!disk.cannot_back_up.empty()) {
            plan.skipped.push_back({name, disk.cannot_back_up});
        } else if (excluded != exclusions.end()) {
            plan.skipped.push_back({name, "excluded: " + excluded->reason});
            plan.excluded_disk_ids.push_back(disk.instance_id);
            if (disk.virtual_disk_id) {
                plan.excluded_virtual_ids.push_back(disk.virtual_disk_id->to_string());
            }
        } else {
            plan.disks.push_back(
                {disk.slot_id,
                 disk.virtual_disk_id ? disk.virtual_disk_id->to_string() : std::string{},
                 disk.path, disk.size_bytes, disk.logical_sector_size,
                 static_cast<std::uint32_t>(plan.disks.size()), place_of(disk),
                 disk.file_size_bytes});
        }
    }
    if (plan.disks.empty()) {
        throw Error{ErrorCode::unsupported,
                    fmt::format("VM {} has no disk that can be backed up", plan.vm_name),
                    "`entrepot vm list` shows why each disk is left out."};
    }
}

void PlanStep::run() {
    if (const auto planned = run_.journal().find(key::kPlan)) {
        run_.plan() = RunPlan::from_json(*planned);
        const bool is_exported = run_.journal().has(key::kExport);
        if (admission_ != nullptr && !is_exported) admission_->keep(run_.plan());
        return;
    }
    run_.job().enter_stage("plan");
    hyperv::Vm vm = find_vm();
    RunPlan& plan = run_.plan();
    plan.host_id = run_.record().id;
    plan.host_name = run_.record().draft.name;
    plan.vm_id = vm.id;
    plan.vm_name = vm.name;
    check_vm(vm);
    clear_snapshots(vm);
    wait_until_idle(vm);
    plan.is_running = vm.state == "running";
    plan.consistency = consistency_policy_from(
        run_.job().parameters().value("consistency", std::string{"prefer-application"}));
    plan.last_applied_snapshot = vm.last_applied_snapshot;
    plan.current_snapshot = vm.current_snapshot;
    plan.boot_time = run_.host().read_facts().boot_time;
    plan_disks(run_, plan, vm);
    plan.vm_facts = to_json(read_vm_facts(run_, vm));
    const Choice choice = decide(run_, plan, vm);
    plan.goal = choice.goal;
    plan.comparison = choice.comparison;
    if (admission_ != nullptr) admission_->admit(plan);
    run_.journal().put(key::kPlan, plan.to_json());
    run_.note(fmt::format("{} backup of {} ({} {}): {}", repository::to_string(plan.goal.kind),
                          plan.vm_name, plan.disks.size(),
                          plan.disks.size() == 1 ? "disk" : "disks", plan.goal.reason));
    for (const auto& disk : plan.skipped) {
        run_.note(fmt::format("disk {} is left out: {}", disk.name, disk.reason));
    }
}

hyperv::Vm PlanStep::find_vm() {
    const std::string wanted = run_.job().parameters().at("vm");
    if (const auto guid = Guid::parse(wanted)) {
        return run_.host().read_vm(guid->to_upper_string());
    }
    std::vector<std::string> ids;
    for (const hyperv::Vm& vm : run_.host().list_vms()) {
        if (equal_names(vm.name, wanted)) ids.push_back(vm.id);
    }
    if (ids.empty()) {
        throw Error{ErrorCode::not_found,
                    fmt::format("host {} has no VM '{}'", run_.record().draft.name, wanted),
                    "`entrepot vm list` shows them. An empty list may mean missing rights."};
    }
    if (ids.size() > 1) {
        throw Error{ErrorCode::invalid,
                    fmt::format("host {} has {} VMs named '{}'", run_.record().draft.name,
                                ids.size(), wanted),
                    "Name the VM by its GUID: " + ids.front() + " or " + ids.back() + "."};
    }
    return run_.host().read_vm(ids.front());
}

void PlanStep::check_vm(const hyperv::Vm& vm) const {
    if (vm.replication_mode == kReplicaRecovery || vm.replication_mode == kReplicaTest) {
        throw Error{ErrorCode::unsupported,
                    fmt::format("VM {} is a replica (mode {})", vm.name, vm.replication_mode),
                    "Back the VM up on the host where it runs."};
    }
    const int version = major_version(vm.version);
    if (version > 0 && version < kConfigurationVersionMin) {
        throw Error{ErrorCode::unsupported,
                    fmt::format("VM {} has configuration version {}; its changes can't be tracked",
                                vm.name, vm.version),
                    fmt::format("Shut the VM down and run: Get-VM -Id {} | Update-VMVersion "
                                "(there is no way back).",
                                vm.id)};
    }
}

void PlanStep::clear_snapshots(const hyperv::Vm& vm) {
    for (const hyperv::Snapshot& snapshot : vm.snapshots) {
        if (!snapshot.is_recovery) continue;
        if (!is_recorded_snapshot(run_, snapshot)) {
            const bool is_doubtful = is_in_doubt(run_.services().state, snapshot);
            throw Error{
                ErrorCode::conflict,
                fmt::format("VM {} has a recovery snapshot '{}' of {} that is not {}", vm.name,
                            snapshot.name, snapshot.created,
                            is_doubtful ? "proven to be ours" : "ours"),
                fmt::format("{} We don't touch it. If nobody needs it: {}",
                            is_doubtful
                                ? "It appeared when a backup of ours had no answer: it is ours or "
                                  "another backup product's."
                                : "Another backup product is at work, or left it.",
                            remove_snapshot_command(vm.id, snapshot.instance_id))};
        }
        run_.note(fmt::format("removing recovery snapshot '{}', which an earlier run left",
                              snapshot.name));
        destroy_snapshot(run_, snapshot.instance_id);
    }
}

void PlanStep::wait_until_idle(hyperv::Vm& vm) {
    if (!is_busy(vm)) return;
    run_.note("waiting: the host is still working on this VM");
    const bool is_idle = wait_until(run_, run_.pace().merge_max, [&] {
        vm = run_.host().read_vm(run_.vm_id());
        return !is_busy(vm);
    });
    if (is_idle) return;
    throw Error{ErrorCode::busy,
                fmt::format("the host is still working on VM {} (status {})", vm.name,
                            fmt::join(vm.operational_status, ", ")),
                "It merges disks, exports or migrates. Try again when it is done; " +
                    show_disks_command(vm.id) + " shows where its disks are."};
}

}  // namespace entrepot::backup
