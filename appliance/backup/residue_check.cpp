// See residue_check.h.
#include "appliance/backup/residue_check.h"

#include "appliance/backup/exported_disk.h"
#include "appliance/backup/host_calls.h"
#include "appliance/backup/host_objects.h"
#include "appliance/backup/host_records.h"
#include "appliance/backup/plan_step.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace entrepot::backup {
namespace {

constexpr std::uint16_t kMergingDisks = 32772;

state::Residue make_residue(std::string text, std::string command) {
    state::Residue residue;
    residue.text = std::move(text);
    residue.command = std::move(command);
    return residue;
}

bool is_difference_disk(const std::string& path) {
    return equal_names(std::filesystem::path{base_name(path)}.extension().string(), ".avhdx");
}

bool is_in_doubt_of_run(Run& run, const hyperv::Snapshot& snapshot) {
    const auto doubt = run.journal().find(key::kInDoubt);
    if (!doubt) return false;
    const auto ids = doubt->at("ids").get<std::vector<std::string>>();
    return std::find(ids.begin(), ids.end(), snapshot.instance_id) != ids.end();
}

}  // namespace

std::vector<state::Residue> ResidueCheck::run(MergePatience patience) {
    std::vector<state::Residue> found;
    check_snapshots(found);
    check_merge(patience, found);
    check_reference_points(found);
    run_.services().state.residue.replace(run_.record().id, run_.vm_id(), found);
    for (const auto& residue : found) {
        run_.warn(fmt::format("left on the host: {} Command: {}", residue.text, residue.command));
    }
    return found;
}

bool ResidueCheck::is_merged() {
    const auto vm = read_patiently(run_, [&] { return run_.host().read_vm(run_.vm_id()); });
    if (std::find(vm.operational_status.begin(), vm.operational_status.end(), kMergingDisks) !=
        vm.operational_status.end()) {
        return false;
    }
    // With a checkpoint of the user's, differencing disks are how it must be.
    if (!vm.snapshots.empty()) return true;
    return std::none_of(vm.disks.begin(), vm.disks.end(), [](const hyperv::Disk& disk) {
        return disk.cannot_back_up.empty() && is_difference_disk(disk.path);
    });
}

void ResidueCheck::check_merge(MergePatience patience, std::vector<state::Residue>& found) {
    if (is_merged()) return;
    if (patience == MergePatience::wait) {
        run_.note("waiting until the host has merged the disks");
        const auto half = run_.pace().merge_max / 2;
        if (wait_until(run_, half, [&] { return is_merged(); })) return;
        run_.warn("the disks are still not merged: switching automatic merging on again");
        run_.host().ensure_merge_enabled(run_.vm_id());
        if (wait_until(run_, half, [&] { return is_merged(); })) return;
    }
    found.push_back(make_residue("The VM's disks are not merged yet; .avhdx files may grow.",
                                 show_disks_command(run_.vm_id())));
}

void ResidueCheck::check_snapshots(std::vector<state::Residue>& found) {
    for (const auto& snapshot :
         read_patiently(run_, [&] { return run_.host().list_snapshots(run_.vm_id()); })) {
        if (!snapshot.is_recovery) continue;
        std::string text;
        if (is_recorded_snapshot(run_, snapshot)) {
            text = fmt::format("Recovery snapshot '{}' of ours.", snapshot.name);
        } else if (is_in_doubt_of_run(run_, snapshot) ||
                   is_in_doubt(run_.services().state, snapshot)) {
            text = fmt::format(
                "Recovery snapshot '{}' of {}: it appeared when a backup of ours asked for one and "
                "had no answer. Nothing proves whose it is; it was not touched. If no other backup "
                "product needs it, remove it: until then this VM is not backed up.",
                snapshot.name, snapshot.created);
        } else {
            continue;
        }
        found.push_back(make_residue(std::move(text),
                                     remove_snapshot_command(run_.vm_id(), snapshot.instance_id)));
    }
}

// A point's reference point may be what the next increment counts from: the newest one that the
// host still has. Every other one of ours is too many.
void ResidueCheck::check_reference_points(std::vector<state::Residue>& found) {
    const auto on_host =
        read_patiently(run_, [&] { return run_.host().list_reference_points(run_.vm_id()); });
    const auto is_on_host = [&on_host](const std::string& id) {
        return std::any_of(on_host.begin(), on_host.end(),
                           [&id](const auto& reference) { return reference.instance_id == id; });
    };
    std::string living;
    for (const auto& point : list_points_of_vm(run_.services(), run_.record().id, run_.vm_id())) {
        if (is_on_host(point.draft.reference_point)) living = point.draft.reference_point;
    }
    std::set<std::string> reported{living};
    for (const std::string& id : list_recorded_reference_points(run_)) {
        if (!is_on_host(id) || !reported.insert(id).second) continue;
        found.push_back(make_reference_point_residue(run_.vm_id(), id));
    }
}

state::Residue make_reference_point_residue(const std::string& vm_id, const std::string& id) {
    return make_residue(
        fmt::format("Reference point '{}' of ours that no backup counts from; the next backup "
                    "destroys it.",
                    id),
        fmt::format("Get-CimInstance -Namespace root/virtualization/v2 -ClassName "
                    "Msvm_VirtualSystemReferencePoint -Filter \"VirtualSystemIdentifier='{}'\"",
                    vm_id));
}

std::vector<std::string> list_recorded_reference_points(Run& run) {
    return list_recorded_reference_points(run.services(), run.record().id, run.vm_id());
}

}  // namespace entrepot::backup
