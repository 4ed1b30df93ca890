// See realise_step.h.
#include "appliance/restore/realise_step.h"

#include "appliance/backup/host_calls.h"
#include "appliance/restore/fix_step.h"
#include "appliance/restore/host_objects.h"
#include "appliance/restore/limits.h"

#include "exporter/hyperv/hresult.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace entrepot::restore {

using hyperv::JobState;
using hyperv::PlannedProblem;

namespace {

constexpr std::string_view kNetworkConnectionClass = "Msvm_EthernetPortAllocationSettingData";

struct Part {
    std::string_view class_name;
    std::string_view words;
    std::string_view cure;
};

constexpr std::array<Part, 8> kParts{{
    {kNetworkConnectionClass, "the network",
     "Put the adapter on a switch that the host has with --switch OLD=NEW, or leave it "
     "disconnected."},
    {"Msvm_SyntheticEthernetPortSettingData", "a network adapter",
     "Compare the host's network features with the old host's."},
    {"Msvm_StorageAllocationSettingData", "a disk",
     "Can the host's computer account read and write the folder that --to names?"},
    {"Msvm_ResourceAllocationSettingData", "a device",
     "The host lacks what the device needs. Restore to another host, or restore the disks alone."},
    {"Msvm_ProcessorSettingData", "the processors",
     "The host has fewer, or other, processors than the VM wants: restore to another host."},
    {"Msvm_MemorySettingData", "the memory",
     "The host has less memory than the VM wants: restore to another host."},
    {"Msvm_SecuritySettingData", "the security settings",
     "Import the old host's guardian certificates (Shielded VM Local Certificates) first."},
    {"Msvm_VirtualSystemSettingData", "the VM's settings",
     "A host runs configurations of its own release and older ones."},
}};

const Part* find_part(const PlannedProblem& problem) {
    const auto found = std::find_if(kParts.begin(), kParts.end(), [&](const Part& part) {
        return part.class_name == problem.source_class;
    });
    return found == kParts.end() ? nullptr : &*found;
}

std::string planned_id(RestoreRun& run) {
    return run.journal().find(key::kPlanned)->at("id").get<std::string>();
}

constexpr std::string_view kEventLog =
    "The host's event log Microsoft-Windows-Hyper-V-VMMS-Admin says more.";

/// What the codes of change tracking advise is about backups.
std::string hint_of(std::uint32_t hresult) {
    const bool is_advice = hyperv::side_of(hresult) != hyperv::FailureSide::tracking;
    const std::string hint = is_advice ? hyperv::hint_for(hresult) : std::string{};
    return hint.empty() ? std::string{kEventLog} : hint;
}

/// The host no longer has what we work on: whatever else it says comes from that.
void check_planned_is_there(RestoreRun& run) {
    const std::string id = planned_id(run);
    if (find_planned(run, id)) return;
    throw Error{ErrorCode::host_failure,
                fmt::format("the planned VM {} of this restore is no longer on host {}: somebody "
                            "else removed it",
                            id, run.plan().host_name),
                "Does another product, or a person, remove planned VMs on this host? Restore "
                "again."};
}

Error validation_error(RestoreRun& run, const std::vector<PlannedProblem>& problems,
                       const hyperv::JobStatus& status) {
    std::vector<std::string> texts;
    std::vector<std::string> cures;
    for (const PlannedProblem& problem : problems) {
        texts.push_back(describe_problem(problem));
        const std::string cure = cure_for(problem);
        if (!cure.empty() && std::find(cures.begin(), cures.end(), cure) == cures.end())
            cures.push_back(cure);
    }
    if (texts.empty()) texts.push_back(backup::describe_failure(status));
    if (cures.empty()) cures.push_back(hint_of(status.hresult));
    return Error{ErrorCode::conflict,
                 fmt::format("host {} cannot run this VM as it is: {}", run.plan().host_name,
                             fmt::join(texts, "; ")),
                 fmt::format("{}", fmt::join(cures, " "))};
}

}  // namespace

std::string describe_problem(const PlannedProblem& problem) {
    const Part* part = find_part(problem);
    std::string text = part == nullptr ? "" : std::string{part->words} + ": ";
    text += problem.text.empty() ? problem.message_id : problem.text;
    // Without an HRESULT its number is all that can be looked up.
    const bool has_number = !problem.text.empty() && !problem.message_id.empty();
    if (problem.hresult == 0 && has_number) text += fmt::format(" [{}]", problem.message_id);
    if (problem.hresult != 0) text += fmt::format(" [{}]", hyperv::explain(problem.hresult));
    return text;
}

std::string cure_for(const PlannedProblem& problem) {
    if (const Part* part = find_part(problem)) return std::string{part->cure};
    return problem.hresult == 0 ? std::string{} : hint_of(problem.hresult);
}

void RealiseStep::validate() {
    if (run_.journal().has(key::kValidated)) return;
    run_.job().enter_stage("validate");
    for (int number = 1;; ++number) {
        // It changes nothing: an answer that was lost is asked for again.
        const auto job =
            insist(run_, [&] { return run_.importer().start_validate(planned_id(run_)); });
        const auto status = backup::wait_for_job(run_, job);
        if (status.state == JobState::vanished) {
            if (number == limits::kValidationsMax) throw validation_error(run_, {}, status);
            continue;
        }
        const auto problems =
            backup::read_patiently(run_, [&] { return run_.importer().read_problems(job); });
        if (status.state == JobState::completed) {
            for (const PlannedProblem& problem : problems)
                run_.warn("the host warns: " + describe_problem(problem));
            break;
        }
        if (number == limits::kValidationsMax || !repair(problems)) {
            check_planned_is_there(run_);
            throw validation_error(run_, problems, status);
        }
    }
    run_.journal().put(key::kValidated, true);
}

// A connection that was switched off may still name a switch that the host does not have.
bool RealiseStep::repair(const std::vector<PlannedProblem>& problems) {
    bool has_repaired = false;
    const RestoreRequest& request = run_.plan().request;
    for (const PlannedProblem& problem : problems) {
        const bool is_connection =
            problem.source_class == kNetworkConnectionClass && !problem.source_id.empty();
        const bool is_ours_to_keep = request.connects || !request.switches.empty();
        const bool is_done =
            std::find(repaired_.begin(), repaired_.end(), problem.source_id) != repaired_.end();
        if (!is_connection || is_ours_to_keep || is_done) continue;
        run_.note("removing a network connection that the host cannot make: " +
                  describe_problem(problem));
        remove_connection(run_, problem.source_id);
        repaired_.push_back(problem.source_id);
        has_repaired = true;
    }
    return has_repaired;
}

void RealiseStep::realise() {
    if (run_.journal().has(key::kRealised)) return;
    run_.job().enter_stage("realise");
    for (int number = 0; number < limits::kAttemptsMax; ++number) {
        if (run_.journal().has(backup::key::ended(key::kRealise, number))) continue;
        if (attempt(number)) return;
        run_.journal().put(backup::key::ended(key::kRealise, number), true);
        run_.warn("the host's answer to the realisation was lost, and nothing came of it");
    }
    throw Error{ErrorCode::host_failure,
                fmt::format("host {} did not make a VM of planned VM {}", run_.plan().host_name,
                            planned_id(run_)),
                "Look at the host's event log Microsoft-Windows-Hyper-V-VMMS-Admin."};
}

bool RealiseStep::attempt(int number) {
    if (!run_.journal().has(backup::key::intent(key::kRealise, number))) ask(number);
    const auto job = run_.journal().find_job(backup::key::job(key::kRealise, number));
    if (!job) {
        wait_for_running_jobs();
        return find_vm(RealiseJob::unknown, run_.pace().appear_max);
    }
    const auto status = backup::wait_for_job(run_, *job);
    if (status.state == JobState::failed) {
        const auto problems =
            backup::read_patiently(run_, [&] { return run_.importer().read_problems(*job); });
        // A failed job repeats its own error among them, which explains nothing.
        const bool is_explained =
            std::any_of(problems.begin(), problems.end(), [&](const PlannedProblem& problem) {
                return find_part(problem) != nullptr || problem.hresult != status.hresult;
            });
        if (is_explained) throw validation_error(run_, problems, status);
        throw backup::failure_of(status, "RealizePlannedSystem");
    }
    return find_vm(
        status.state == JobState::completed ? RealiseJob::ended_well : RealiseJob::unknown,
        run_.pace().appear_max);
}

// Ours may be among them: until they have ended, that no VM is there says nothing.
void RealiseStep::wait_for_running_jobs() {
    backup::wait_until(run_, limits::kImportJobMax, [&] {
        if (find_our_vm(run_, RealiseJob::unknown)) return true;
        return backup::read_patiently(
                   run_,
                   [&] { return run_.importer().list_running_jobs(hyperv::JobKind::realise); })
            .empty();
    });
}

void RealiseStep::ask(int number) {
    const std::string id = planned_id(run_);
    run_.journal().put(backup::key::intent(key::kRealise, number), {{"planned", id}});
    run_.note(fmt::format("realising '{}'", run_.plan().name));
    const auto asked = backup::ask(run_, backup::key::job(key::kRealise, number),
                                   [&] { return run_.importer().start_realise(id); });
    if (asked.refusal) throw *asked.refusal;
}

bool RealiseStep::find_vm(RealiseJob job, std::chrono::seconds patience) {
    std::optional<hyperv::VmIdentity> vm;
    backup::wait_until(run_, patience, [&] {
        vm = find_our_vm(run_, job);
        // While both are there the host is at work.
        if (vm && find_planned(run_, planned_id(run_))) vm.reset();
        return vm.has_value();
    });
    if (!vm) return false;
    run_.journal().put(key::kRealised, {{"id", vm->id}});
    run_.note(fmt::format("VM '{}' ({}) is on host {}", vm->name, vm->id, run_.plan().host_name));
    return true;
}

std::string RealiseStep::start() {
    const std::string id = run_.journal().find(key::kRealised)->at("id");
    const auto is_running = [&] {
        const auto vm = find_vm_by_id(run_, id);
        return vm && vm->state == "running";
    };
    if (is_running()) return {};
    run_.job().enter_stage("start");
    try {
        const auto status = backup::wait_for_job(run_, run_.importer().start_vm(id));
        if (status.state == JobState::failed) return backup::describe_failure(status);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) throw;
        if (!backup::is_answer_lost(error)) return error.message();
    }
    if (backup::wait_until(run_, run_.pace().appear_max, is_running)) return {};
    return "the host did not say why";
}

void end_realise_jobs(RestoreRun& run) {
    for (int number = 0; number < limits::kAttemptsMax; ++number) {
        const auto job = run.journal().find_job(backup::key::job(key::kRealise, number));
        if (!job || job->is_synchronous) continue;
        const auto status = backup::read_patiently(run, [&] { return run.host().read_job(*job); });
        if (status.state != JobState::running) continue;
        run.note("waiting for the host's realisation, which began already");
        backup::wait_for_job(run, *job);
    }
}

}  // namespace entrepot::restore
