// See import_step.h. The sequence is that of the host reference, 6.1.
#include "appliance/restore/import_step.h"

#include "appliance/backup/host_calls.h"
#include "appliance/restore/host_path.h"
#include "appliance/restore/limits.h"
#include "appliance/restore/residue.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::restore {

using hyperv::JobState;

namespace {

std::vector<std::string> list_running_imports(RestoreRun& run) {
    std::vector<std::string> ids;
    for (const auto& job : backup::read_patiently(
             run, [&] { return run.importer().list_running_jobs(hyperv::JobKind::import); })) {
        ids.push_back(job.instance_id);
    }
    return ids;
}

}  // namespace

void ImportStep::run() {
    if (run_.journal().has(key::kPlanned)) return;
    run_.job().enter_stage("import");
    for (int number = 0; number < limits::kAttemptsMax; ++number) {
        if (run_.journal().has(backup::key::ended(key::kImport, number))) continue;
        if (attempt(number)) return;
        run_.journal().put(backup::key::ended(key::kImport, number), true);
        run_.warn("the host's answer to the import was lost, and nothing came of it");
    }
    throw Error{
        ErrorCode::host_failure,
        fmt::format("host {} answered to no import, and none is there", run_.plan().host_name),
        "Look at the network between the appliance and the host, then restore again."};
}

bool ImportStep::attempt(int number) {
    if (!run_.journal().has(backup::key::intent(key::kImport, number))) ask(number);
    const auto job = run_.journal().find_job(backup::key::job(key::kImport, number));
    if (job && !job->is_synchronous) {
        const auto status = backup::wait_for_job(run_, *job);
        if (status.state == JobState::failed) {
            throw backup::failure_of(status, "ImportSystemDefinition");
        }
    }
    const FoundPlanned found = look(number);
    if (found.id) {
        adopt(found);
        return true;
    }
    if (found.in_doubt.empty()) return false;
    for (const auto& planned : found.in_doubt) {
        remember_planned_vm(run_.services(), run_.record().id, planned,
                            "it appeared while a restore was importing, and that it is the "
                            "restore's is not proven. Remove it if nobody else imports");
    }
    throw Error{
        ErrorCode::conflict,
        fmt::format("{} new planned VMs are on host {}, and which one is ours is not proven",
                    found.in_doubt.size(), run_.plan().host_name),
        "We touched none of them. If nobody else imports: " +
            hyperv::destroy_planned_vm_command(found.in_doubt.front().id)};
}

void ImportStep::ask(int number) {
    const RestorePlan& plan = run_.plan();
    Json before = Json::array();
    for (const auto& planned :
         backup::read_patiently(run_, [&] { return run_.importer().list_planned_vms(); })) {
        before.push_back(planned.id);
    }
    run_.journal().put(backup::key::intent(key::kImport, number),
                       {{"before", before}, {"jobs_before", list_running_imports(run_)}});
    hyperv::ImportRequest request;
    request.definition_file =
        join_host_path(plan.target.host_path, {kFileFolder, plan.layout.definition});
    request.identifier =
        plan.request.keeps_id ? hyperv::SystemIdentifier::keep : hyperv::SystemIdentifier::generate;
    run_.note(fmt::format("importing {}", request.definition_file));
    const auto asked = backup::ask(run_, backup::key::job(key::kImport, number),
                                   [&] { return run_.importer().start_import(request); });
    if (!asked.refusal) return;
    // Nothing was made: whoever cleans up need not wait for it.
    run_.journal().put(backup::key::ended(key::kImport, number), true);
    throw *asked.refusal;
}

FoundPlanned ImportStep::look(int number) {
    if (!run_.journal().find_job(backup::key::job(key::kImport, number))) {
        wait_for_foreign_jobs(number);
    }
    return find_planned_of_attempt(run_, number, run_.pace().appear_max);
}

// Ours may be among them: until they have ended, that nothing is there says nothing.
void ImportStep::wait_for_foreign_jobs(int number) {
    const Json intent = *run_.journal().find(backup::key::intent(key::kImport, number));
    const auto before = intent.at("jobs_before").get<std::vector<std::string>>();
    backup::wait_until(run_, limits::kImportJobMax, [&] {
        const auto running = list_running_imports(run_);
        return std::all_of(running.begin(), running.end(), [&](const std::string& id) {
            return std::find(before.begin(), before.end(), id) != before.end();
        });
    });
}

void ImportStep::adopt(const FoundPlanned& found) {
    run_.journal().put(key::kPlanned, {{"id", *found.id}});
    run_.note(fmt::format("planned VM {} is there", *found.id));
    for (const std::string& id : found.more)
        destroy_planned(run_, id);
}

void end_import_jobs(RestoreRun& run) {
    for (int number = 0; number < limits::kAttemptsMax; ++number) {
        const auto job = run.journal().find_job(backup::key::job(key::kImport, number));
        if (!job || job->is_synchronous) continue;
        const auto status = backup::read_patiently(run, [&] { return run.host().read_job(*job); });
        if (status.state != JobState::running) continue;
        run.note("ending the host's import");
        run.host().cancel_job(*job);
        backup::wait_for_job(run, *job);
    }
}

}  // namespace entrepot::restore
