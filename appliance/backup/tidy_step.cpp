// See tidy_step.h.
#include "appliance/backup/tidy_step.h"

#include "appliance/backup/export_attempts.h"
#include "appliance/backup/exported_disk.h"
#include "appliance/backup/host_calls.h"
#include "appliance/backup/host_objects.h"
#include "appliance/backup/plan_step.h"
#include "appliance/backup/residue_check.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::backup {

std::vector<state::Residue> TidyStep::run(const repository::PointSummary& point) {
    run_.job().enter_stage("tidy");
    remove_folders();
    try {
        destroy_superseded();
        clear_flags(point);
        return ResidueCheck{run_}.run(MergePatience::wait);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) throw;
        run_.warn("the host could not be looked at after the backup: " + error.message());
        state::Residue residue;
        residue.text = "Not looked at after the last backup: " + error.message();
        residue.command = show_disks_command(run_.vm_id());
        run_.services().state.residue.replace(run_.record().id, run_.vm_id(), {residue});
        return {residue};
    }
}

// What the newest point counts from lives, even if this run was taken up again after a later one.
void TidyStep::destroy_superseded() {
    const auto points = list_points_of_vm(run_.services(), run_.record().id, run_.vm_id());
    const std::string living = points.empty() ? std::string{} : points.back().draft.reference_point;
    const auto on_host =
        read_patiently(run_, [&] { return run_.host().list_reference_points(run_.vm_id()); });
    for (const std::string& id : list_recorded_reference_points(run_)) {
        if (id == living) continue;
        const bool is_there = std::any_of(on_host.begin(), on_host.end(), [&id](const auto& other) {
            return other.instance_id == id;
        });
        if (!is_there) continue;
        try {
            destroy_reference_point(run_, id);
        } catch (const Error& error) {
            if (error.code() == ErrorCode::cancelled) throw;
            run_.warn("the superseded reference point stays: " + error.message());
        }
    }
}

void TidyStep::remove_folders() {
    for (const BegunExport& begun : list_begun_exports(run_)) {
        try {
            run_.area().remove_run(run_.record().id, begun.run_id);
        } catch (const Error& error) {
            run_.warn("the export's folder could not be removed: " + error.message());
        }
    }
}

void TidyStep::clear_flags(const repository::PointSummary& point) {
    auto& flags = run_.services().state.vm_flags;
    const std::string& host_id = run_.record().id;
    if (point.draft.kind == repository::PointKind::full) {
        flags.clear(host_id, run_.vm_id(), state::kForceFullFlag);
        flags.clear(host_id, run_.vm_id(), kLostBaseFlag);
    }
    const auto on_host =
        read_patiently(run_, [&] { return run_.host().list_reference_points(run_.vm_id()); });
    for (const auto& flag : flags.list()) {
        if (flag.host_id != host_id || !equal_names(flag.vm_id, run_.vm_id())) continue;
        if (!flag.flag.starts_with(kObsoleteReferencePointFlag)) continue;
        const std::string id = flag.flag.substr(kObsoleteReferencePointFlag.size());
        const bool is_there = std::any_of(on_host.begin(), on_host.end(), [&id](const auto& other) {
            return other.instance_id == id;
        });
        if (!is_there) flags.clear(host_id, flag.vm_id, flag.flag);
    }
}

}  // namespace entrepot::backup
