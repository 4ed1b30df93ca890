// See snapshot_step.h.
#include "appliance/backup/snapshot_step.h"

#include "appliance/backup/host_calls.h"
#include "appliance/backup/host_objects.h"
#include "appliance/backup/limits.h"
#include "appliance/backup/plan_step.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace entrepot::backup {

using hyperv::ConsistencyLevel;
using hyperv::JobState;

namespace {

std::string_view name_of(ConsistencyLevel level) {
    return level == ConsistencyLevel::application ? "application" : "crash";
}

}  // namespace

std::vector<ConsistencyLevel> SnapshotStep::levels() const {
    if (!run_.plan().is_running) return {ConsistencyLevel::crash};
    switch (run_.plan().consistency) {
        case ConsistencyPolicy::application:
            return {ConsistencyLevel::application};
        case ConsistencyPolicy::crash:
            return {ConsistencyLevel::crash};
        case ConsistencyPolicy::prefer_application:
            return {ConsistencyLevel::application, ConsistencyLevel::crash};
    }
    return {};
}

void SnapshotStep::run() {
    run_.job().enter_stage("snapshot");
    if (run_.journal().has(key::kSnapshot)) return finish();
    if (const auto doubt = run_.journal().find(key::kInDoubt)) throw_in_doubt(doubt->at("ids"));
    const auto wanted = levels();
    std::string note;
    if (!run_.plan().is_running) note = "the VM is not running: its disks are at rest";
    std::size_t level = 0;
    for (int number = 0; number < static_cast<int>(limits::kSnapshotAttemptsMax); ++number) {
        Outcome outcome;
        if (const auto ended = run_.journal().find(key::ended(key::kSnapshot, number))) {
            outcome.refusal = ended->at("refusal");
            outcome.hint = ended->at("hint");
        } else {
            outcome = attempt(number, wanted[level]);
        }
        if (outcome.id) {
            adopt(*outcome.id, wanted[level], note);
            return finish();
        }
        run_.journal().put(key::ended(key::kSnapshot, number),
                           {{"refusal", outcome.refusal}, {"hint", outcome.hint}});
        if (outcome.refusal.empty()) continue;
        const std::string text =
            fmt::format("no {}-consistent snapshot: {}", name_of(wanted[level]), outcome.refusal);
        if (++level == wanted.size()) {
            throw Error{ErrorCode::host_failure, text, outcome.hint};
        }
        run_.warn(text + "; trying a crash-consistent one");
        note = text;
    }
    throw Error{ErrorCode::host_failure,
                "the host answered to no attempt at a snapshot, and there is none"};
}

SnapshotStep::Outcome SnapshotStep::attempt(int number, ConsistencyLevel level) {
    Outcome outcome;
    if (!run_.journal().has(key::intent(key::kSnapshot, number))) {
        ask(number, level, outcome);
        if (!outcome.refusal.empty()) return outcome;
    }
    const auto job = run_.journal().find_job(key::job(key::kSnapshot, number));
    if (!job || job->is_synchronous) return look(number, run_.pace().appear_max);
    const hyperv::JobStatus status = wait_for_job(run_, *job);
    const bool has_failed = status.state == JobState::failed;
    if (!has_failed) return look(number, run_.pace().appear_max);
    const Error failure = failure_of(status, "CreateSnapshot");
    outcome = look(number, {});
    if (outcome.id) destroy_snapshot(run_, *outcome.id);
    return {std::nullopt, failure.message(), failure.hint()};
}

void SnapshotStep::ask(int number, ConsistencyLevel level, Outcome& outcome) {
    Json before = Json::array();
    for (const auto& snapshot : run_.host().list_snapshots(run_.vm_id())) {
        before.push_back(snapshot.instance_id);
    }
    run_.journal().put(key::intent(key::kSnapshot, number),
                       {{"before", before}, {"level", name_of(level)}});
    run_.note(fmt::format("asking the host for a snapshot, {}-consistent", name_of(level)));
    const Asked asked = backup::ask(run_, key::job(key::kSnapshot, number), [&] {
        return run_.host().start_create_snapshot(run_.vm_id(), level, run_.snapshot_name());
    });
    if (!asked.refusal) return;
    outcome.refusal = asked.refusal->message();
    outcome.hint = asked.refusal->hint();
}

SnapshotStep::Outcome SnapshotStep::look(int number, std::chrono::seconds patience) {
    const Found found = find_snapshot_of_attempt(run_, number, patience);
    if (!found.in_doubt.empty()) throw_in_doubt(found.in_doubt);
    return {found.id, {}, {}};
}

void SnapshotStep::throw_in_doubt(const std::vector<std::string>& ids) const {
    std::string commands;
    for (const std::string& id : ids) {
        commands += "\n" + remove_snapshot_command(run_.vm_id(), id);
    }
    const std::string what =
        ids.size() == 1 ? "a new recovery snapshot is on the host, and that it is ours is not "
                          "proven"
                        : fmt::format(
                              "{} new recovery snapshots are on the host, and which one "
                              "is ours is not proven",
                              ids.size());
    throw Error{ErrorCode::conflict, what,
                "We touched none of them. Look whether another backup product is at work on this "
                "VM. What nobody needs goes with:" +
                    commands};
}

void SnapshotStep::adopt(const std::string& id, ConsistencyLevel level, const std::string& note) {
    run_.journal().put(key::kSnapshot, {{"id", id}, {"level", name_of(level)}, {"note", note}});
}

void SnapshotStep::finish() {
    const Json snapshot = *run_.journal().find(key::kSnapshot);
    // The name lets a later life, and a person, see whose it is. The id is recorded: a host that
    // refuses the name changes nothing.
    if (!run_.journal().has(key::kExport)) {
        try {
            run_.host().rename_snapshot(snapshot.at("id"), run_.snapshot_name());
        } catch (const Error& error) {
            if (error.code() == ErrorCode::cancelled) throw;
            run_.services().log.warning(
                "the snapshot could not be renamed",
                {{"snapshot", snapshot.at("id").get<std::string>()}, {"error", error.message()}});
        }
        check_still_as_planned();
    }
    const std::string note = snapshot.at("note");
    run_.note(fmt::format("snapshot taken, {}-consistent{}{}",
                          snapshot.at("level").get<std::string>(), note.empty() ? "" : ": ", note));
}

void SnapshotStep::check_still_as_planned() {
    const std::string id = run_.journal().find(key::kSnapshot)->at("id");
    std::set<std::string> frozen;
    for (const auto& disk :
         read_patiently(run_, [&] { return run_.host().list_snapshot_disks(id); })) {
        frozen.insert(disk.slot_id);
    }
    RunPlan& plan = run_.plan();
    const bool is_complete = frozen.empty() || std::all_of(plan.disks.begin(), plan.disks.end(),
                                                           [&](const ExpectedDisk& disk) {
                                                               return frozen.contains(disk.slot_id);
                                                           });
    const hyperv::Vm vm = read_patiently(run_, [&] { return run_.host().read_vm(plan.vm_id); });
    RunPlan again = plan;
    plan_disks(run_, again, vm);
    const bool has_same_count = again.disks.size() == plan.disks.size();
    const bool went_back = vm.last_applied_snapshot != plan.last_applied_snapshot;
    if (is_complete && has_same_count && !went_back) return;
    again.last_applied_snapshot = vm.last_applied_snapshot;
    again.goal = {repository::PointKind::full,
                  went_back ? "a checkpoint was applied while this run began"
                            : "the VM's disks changed while this run began",
                  went_back ? "checkpoint_applied" : "disk_set_changed",
                  {},
                  {}};
    if (again.comparison) again.comparison = ComparisonPlan{{}, again.goal.reason};
    plan = again;
    run_.journal().put(key::kPlan, plan.to_json());
    run_.warn("full backup: " + plan.goal.reason);
}

void end_snapshot_jobs(Run& run) {
    if (run.journal().has(key::kSnapshot)) return;
    for (int number = 0; number < static_cast<int>(limits::kSnapshotAttemptsMax); ++number) {
        if (run.journal().has(key::ended(key::kSnapshot, number))) continue;
        const auto job = run.journal().find_job(key::job(key::kSnapshot, number));
        if (!job || job->is_synchronous) continue;
        const auto status = read_patiently(run, [&] { return run.host().read_job(*job); });
        if (status.state != JobState::running) continue;
        run.note("ending the host's snapshot job");
        run.host().cancel_job(*job);
        wait_for_job(run, *job);
    }
}

}  // namespace entrepot::backup
