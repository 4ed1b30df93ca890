// See host_objects.h.
#include "appliance/restore/host_objects.h"

#include "appliance/backup/exported_disk.h"
#include "appliance/backup/host_calls.h"
#include "appliance/backup/run.h"
#include "appliance/restore/host_path.h"
#include "appliance/restore/limits.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace entrepot::restore {
namespace {

using backup::equal_names;
using hyperv::PlannedVm;
using hyperv::VmIdentity;

bool contains(const std::vector<std::string>& ids, const std::string& id) {
    return std::any_of(ids.begin(), ids.end(),
                       [&](const std::string& one) { return equal_names(one, id); });
}

bool has_tag(const std::vector<std::string>& notes, const std::string& tag) {
    return std::any_of(notes.begin(), notes.end(), [&](const std::string& note) {
        return note.find(tag) != std::string::npos;
    });
}

bool is_proven(RestoreRun& run, const PlannedVm& planned) {
    const RestorePlan& plan = run.plan();
    if (has_tag(planned.notes, run.tag())) return true;
    const bool names_our_folder = std::any_of(
        planned.data_roots.begin(), planned.data_roots.end(),
        [&](const std::string& root) { return root.find(run.job().id()) != std::string::npos; });
    if (names_our_folder) return true;
    return !plan.backup_job.empty() &&
           planned.name == std::string{backup::kSnapshotNamePrefix} + plan.backup_job;
}

std::vector<PlannedVm> list_planned(RestoreRun& run) {
    return backup::read_patiently(run, [&] { return run.importer().list_planned_vms(); });
}

std::vector<VmIdentity> list_vms(RestoreRun& run) {
    return backup::read_patiently(run, [&] { return run.importer().list_vm_identities(); });
}

FoundPlanned look(RestoreRun& run, const Json& intent, const std::vector<std::string>& made,
                  bool has_job_ended_well) {
    const auto before = intent.at("before").get<std::vector<std::string>>();
    FoundPlanned found;
    std::vector<PlannedVm> fresh;
    for (PlannedVm& planned : list_planned(run)) {
        if (contains(before, planned.id)) continue;
        if (contains(made, planned.id) || is_proven(run, planned)) {
            if (found.id) found.more.push_back(*found.id);
            found.id = planned.id;
        } else {
            fresh.push_back(std::move(planned));
        }
    }
    if (found.id) return found;
    if (has_job_ended_well && fresh.size() == 1) {
        found.id = fresh.front().id;
        return found;
    }
    found.in_doubt = std::move(fresh);
    return found;
}

std::vector<std::string> read_made(RestoreRun& run, const std::optional<hyperv::JobRef>& job) {
    if (!job) return {};
    return backup::read_patiently(run,
                                  [&] { return run.importer().list_affected_planned_vms(*job); });
}

}  // namespace

FoundPlanned find_planned_of_attempt(RestoreRun& run, int attempt, std::chrono::seconds patience) {
    const auto intent = run.journal().find(backup::key::intent(key::kImport, attempt));
    if (!intent) return {};
    const auto job = run.journal().find_job(backup::key::job(key::kImport, attempt));
    const auto made = read_made(run, job);
    auto state = hyperv::JobState::vanished;
    if (job) {
        state = backup::read_patiently(run, [&] { return run.host().read_job(*job); }).state;
    }
    FoundPlanned found;
    // What a job that failed made is there already, if there is anything.
    const auto patience_left =
        state == hyperv::JobState::failed ? std::chrono::seconds{0} : patience;
    backup::wait_until(run, patience_left, [&] {
        found = look(run, *intent, made, state == hyperv::JobState::completed);
        return found.id.has_value();
    });
    // A host that says how its job ended hides nothing: what is new then is somebody else's.
    if (state == hyperv::JobState::failed) found.in_doubt.clear();
    return found;
}

FoundPlanned find_our_planned(RestoreRun& run) {
    FoundPlanned all;
    std::string known;
    if (const auto planned = run.journal().find(key::kPlanned)) known = planned->at("id");
    for (int attempt = 0; attempt < limits::kAttemptsMax; ++attempt) {
        // An attempt that was given up may have come true since.
        const bool is_over =
            !known.empty() || run.journal().has(backup::key::ended(key::kImport, attempt));
        FoundPlanned found = find_planned_of_attempt(
            run, attempt, is_over ? std::chrono::seconds{0} : run.pace().appear_max);
        if (found.id) all.more.push_back(*found.id);
        all.more.insert(all.more.end(), found.more.begin(), found.more.end());
        if (!is_over) all.in_doubt = std::move(found.in_doubt);
    }
    if (!known.empty() && find_planned(run, known)) all.id = known;
    std::sort(all.more.begin(), all.more.end());
    all.more.erase(std::unique(all.more.begin(), all.more.end()), all.more.end());
    std::erase_if(all.more, [&](const std::string& id) { return equal_names(id, known); });
    if (!all.id && !all.more.empty()) {
        all.id = all.more.back();
        all.more.pop_back();
    }
    return all;
}

std::optional<PlannedVm> find_planned(RestoreRun& run, const std::string& id) {
    for (PlannedVm& planned : list_planned(run)) {
        if (equal_names(planned.id, id)) return std::move(planned);
    }
    return std::nullopt;
}

std::optional<VmIdentity> find_our_vm(RestoreRun& run, RealiseJob job) {
    const auto planned = run.journal().find(key::kPlanned);
    // Before anything was realised, a VM of that id is not our work.
    if (!planned || !run.journal().has(backup::key::intent(key::kRealise, 0))) return std::nullopt;
    const std::string id = planned->at("id");
    for (VmIdentity& vm : list_vms(run)) {
        if (has_tag(vm.notes, run.tag())) return std::move(vm);
        if (!equal_names(vm.id, id)) continue;
        // An id that was kept may be somebody else's import of the same machine; and while our
        // planned VM is there, so is any other VM of its id.
        const bool is_proof = job == RealiseJob::ended_well ||
                              (!run.plan().request.keeps_id && !find_planned(run, id));
        if (is_proof) return std::move(vm);
    }
    return std::nullopt;
}

std::optional<VmIdentity> find_vm_by_id(RestoreRun& run, const std::string& id) {
    for (VmIdentity& vm : list_vms(run)) {
        if (equal_names(vm.id, id)) return std::move(vm);
    }
    return std::nullopt;
}

void destroy_planned(RestoreRun& run, const std::string& id) {
    backup::destroy_object(
        run, fmt::format("planned VM {}", id), [&] { return find_planned(run, id).has_value(); },
        [&] { return run.importer().start_destroy_planned_vm(id); });
}

void destroy_vm(RestoreRun& run, const std::string& id) {
    backup::destroy_object(
        run, fmt::format("VM {}", id), [&] { return find_vm_by_id(run, id).has_value(); },
        [&] { return run.importer().start_destroy_vm(id); });
}

}  // namespace entrepot::restore
