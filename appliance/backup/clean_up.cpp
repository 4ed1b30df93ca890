// See clean_up.h. Follows the clean-up matrix of the host reference, 5.5.
#include "appliance/backup/clean_up.h"

#include "appliance/backup/convert_step.h"
#include "appliance/backup/export_attempts.h"
#include "appliance/backup/host_objects.h"
#include "appliance/backup/residue_check.h"
#include "appliance/backup/snapshot_step.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::backup {

void CleanUp::run() {
    // A note, not a stage: a job that failed shows the stage in which it did.
    run_.note("cleaning up what this run made on the host and the share");
    attempt("the snapshot's job", [&] { end_snapshot_jobs(run_); });
    attempt("the export", [&] { undo_exports(run_); });
    attempt("the new reference point", [&] { undo_convert(run_); });
    attempt("the snapshot", [&] {
        const Found found = find_our_snapshot(run_);
        if (found.id) destroy_snapshot(run_, *found.id);
    });
    const std::string reference_point = reference_point_of(run_);
    if (!failures_.empty() && !reference_point.empty()) {
        run_.services().state.vm_flags.set(
            run_.record().id, run_.vm_id(),
            std::string{kObsoleteReferencePointFlag} + reference_point,
            "made by a run that failed; to be destroyed");
    }
    attempt("the check of the host", [&] { ResidueCheck{run_}.run(MergePatience::look_once); });
    if (failures_.empty()) return;
    state::Residue residue;
    residue.text =
        fmt::format("A failed backup could not be cleaned up: {}", fmt::join(failures_, "; "));
    residue.command =
        fmt::format("Get-VM -Id {} | Get-VMSnapshot -SnapshotType Recovery", run_.vm_id());
    run_.services().state.residue.replace(run_.record().id, run_.vm_id(), {residue});
}

void CleanUp::attempt(const std::string& what, const std::function<void()>& undo) {
    try {
        undo();
    } catch (const Error& error) {
        failures_.push_back(fmt::format("{}: {}", what, error.message()));
        run_.warn(fmt::format("clean-up of {} failed: {}", what, error.message()));
    }
}

}  // namespace entrepot::backup
