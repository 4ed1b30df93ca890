// See clean_up.h.
#include "appliance/restore/clean_up.h"

#include "appliance/restore/host_objects.h"
#include "appliance/restore/import_step.h"
#include "appliance/restore/place_step.h"
#include "appliance/restore/realise_step.h"
#include "appliance/restore/residue.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::restore {

void CleanUp::run() {
    // A note, not a stage: a job that failed shows the stage in which it did.
    run_.note("taking away what this restore made on the host and the share");
    attempt("the host's import", [&] { end_import_jobs(run_); });
    attempt("the host's realisation", [&] { end_realise_jobs(run_); });
    attempt("the VM", [&] { undo_vm(); });
    attempt("the planned VM", [&] { undo_planned(); });
    attempt("the files", [&] { remove_placed_files(run_); });
    report_copies();
}

void CleanUp::attempt(const std::string& what, const std::function<void()>& undo) {
    try {
        undo();
    } catch (const Error& error) {
        run_.warn(fmt::format("{} could not be taken away: {}", what, error.message()));
    }
}

void CleanUp::undo_vm() {
    const auto vm = find_our_vm(run_, RealiseJob::unknown);
    if (vm) destroy_vm(run_, vm->id);
}

void CleanUp::undo_planned() {
    FoundPlanned found = find_our_planned(run_);
    if (found.id) found.more.push_back(*found.id);
    for (const std::string& id : found.more) {
        try {
            destroy_planned(run_, id);
        } catch (const Error& error) {
            hyperv::PlannedVm left;
            left.id = id;
            left.name = run_.plan().name;
            remember_planned_vm(run_.services(), run_.record().id, left,
                                "a restore of ours that failed left it: " + error.message());
            run_.warn(fmt::format("planned VM {} is left on the host. Command: {}", id,
                                  hyperv::destroy_planned_vm_command(id)));
        }
    }
    for (const hyperv::PlannedVm& planned : found.in_doubt) {
        remember_planned_vm(run_.services(), run_.record().id, planned,
                            "it appeared while a restore was importing, and that it is the "
                            "restore's is not proven. Remove it if nobody else imports");
    }
}

void CleanUp::report_copies() {
    const RestorePlan& plan = run_.plan();
    if (plan.target.reach != Reach::copied || !run_.journal().has(key::kPlaced)) return;
    run_.warn(
        fmt::format("files that were copied to {} stay there; we reach only the share. "
                    "Command: {}",
                    plan.target.host_path, remove_copies_command(plan)));
}

}  // namespace entrepot::restore
