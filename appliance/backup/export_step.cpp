// See export_step.h.
#include "appliance/backup/export_step.h"

#include "appliance/backup/export_analysis.h"
#include "appliance/backup/host_calls.h"
#include "appliance/backup/host_objects.h"
#include "appliance/backup/limits.h"
#include "appliance/backup/plan_step.h"
#include "appliance/share/unc.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

namespace entrepot::backup {

using hyperv::FailureSide;
using hyperv::JobState;
using repository::PointKind;

namespace {

/// Room for the configuration files and the images' tables, whatever the guest wrote.
constexpr std::uint64_t kFreeBytesMin = 32 * kMiB;

std::string make_run_id(Run& run, int number) {
    if (number == 0) return run.job().id();
    std::array<std::byte, 16> bytes{};
    run.services().random.fill(bytes);
    return to_hex(bytes);
}

bool is_target_side(const Error& refusal) {
    return hyperv::side_of(hyperv::hresult_of_text(refusal.message())) == FailureSide::target;
}

/// Failures of the share or of ourselves: a full would meet them as well.
bool concerns_content(const Error& error) {
    switch (error.code()) {
        case ErrorCode::corrupt:
        case ErrorCode::parent_mismatch:
        case ErrorCode::parent_missing:
        case ErrorCode::unsupported:
        case ErrorCode::invalid:
            return true;
        default:
            return false;
    }
}

std::uint64_t virtual_bytes(const RunPlan& plan) {
    return std::accumulate(
        plan.disks.begin(), plan.disks.end(), std::uint64_t{0},
        [](std::uint64_t sum, const ExpectedDisk& disk) { return sum + disk.size_bytes; });
}

std::vector<hyperv::JobRef> list_exports(Run& run) {
    return read_patiently(run, [&] { return run.host().list_export_jobs(run.vm_id()); });
}

bool has_files(Run& run, const std::string& run_id) {
    return count_tree_bytes(run.services().file_system,
                            run.area().run_path(run.record().id, run_id)) > 0;
}

/// An export of the VM that began after our intent. It is ours if there are files in a directory
/// that nobody but the host, and only for us, writes into.
std::optional<hyperv::JobRef> find_new_export(Run& run, const Json& intent) {
    const Json& before = intent.at("before");
    for (const auto& job : list_exports(run)) {
        if (std::find(before.begin(), before.end(), job.instance_id) != before.end()) continue;
        if (has_files(run, intent.at("run_id"))) return job;
    }
    return std::nullopt;
}

std::optional<hyperv::JobRef> find_running_export(Run& run, int number, const Json& intent) {
    const auto job = run.journal().find_job(key::job(key::kExport, number));
    if (!job) return find_new_export(run, intent);
    const auto status = read_patiently(run, [&] { return run.host().read_job(*job); });
    return status.state == JobState::running ? job : std::nullopt;
}

}  // namespace

void ExportStep::run() {
    run_.job().enter_stage("export");
    if (run_.journal().has(key::kExport)) return;
    ExportGoal goal = run_.plan().goal;
    for (int number = 0; number < static_cast<int>(limits::kExportAttemptsMax); ++number) {
        const Attempt attempt = make_attempt(number, goal);
        goal = attempt.goal;
        const Ended ended = run_attempt(attempt);
        if (ended.outcome == Outcome::done) {
            if (prove(attempt, goal)) return;
            continue;
        }
        if (ended.outcome == Outcome::unknown) {
            run_.warn("how the export ended is not known: exporting again into a new directory");
            run_.area().remove_run(run_.record().id, attempt.run_id);
            continue;
        }
        if (goal.kind == PointKind::full || ended.is_target_side) {
            throw Error{
                ErrorCode::host_failure,
                fmt::format("the export of VM {} failed: {}", run_.plan().vm_name, ended.text),
                ended.hint};
        }
        go_over_to_full(attempt, "the incremental export failed: " + ended.text, goal);
    }
    throw Error{ErrorCode::host_failure,
                fmt::format("{} exports were begun and none is known to have ended",
                            limits::kExportAttemptsMax)};
}

ExportStep::Attempt ExportStep::make_attempt(int number, const ExportGoal& goal) {
    if (const auto intent = run_.journal().find(key::intent(key::kExport, number))) {
        return {number, intent->at("run_id"), export_goal_from(intent->at("goal"))};
    }
    return {number, make_run_id(run_, number), goal};
}

ExportStep::Ended ExportStep::run_attempt(const Attempt& attempt) {
    if (const auto known = run_.journal().find(key::ended(key::kExport, attempt.number))) {
        const std::string outcome = known->at("outcome");
        return {outcome == "done"     ? Outcome::done
                : outcome == "failed" ? Outcome::failed
                                      : Outcome::unknown,
                known->at("text"), known->at("hint"), known->at("is_target_side")};
    }
    Ended ended;
    if (const auto job = run_.journal().find_job(key::job(key::kExport, attempt.number))) {
        ended = wait_for_export(attempt, *job);
    } else if (run_.journal().has(key::intent(key::kExport, attempt.number))) {
        ended = look_for_job(attempt);
    } else {
        ended = ask(attempt);
    }
    record(attempt, ended);
    return ended;
}

void ExportStep::record(const Attempt& attempt, const Ended& ended) {
    const char* outcome = ended.outcome == Outcome::done     ? "done"
                          : ended.outcome == Outcome::failed ? "failed"
                                                             : "unknown";
    run_.journal().put(key::ended(key::kExport, attempt.number),
                       {{"outcome", outcome},
                        {"text", ended.text},
                        {"hint", ended.hint},
                        {"is_target_side", ended.is_target_side}});
}

void ExportStep::check_space(const ExportGoal& goal) {
    std::uint64_t needed = kFreeBytesMin;
    if (goal.kind == PointKind::full) {
        const auto points =
            list_points_of_vm(run_.services(), run_.plan().host_id, run_.plan().vm_id);
        if (!points.empty()) needed = std::max(needed, points.back().logical_bytes);
    }
    const std::uint64_t free = run_.area().free_bytes();
    if (free < needed) {
        throw Error{ErrorCode::no_space,
                    fmt::format("share {} has {} free, this export needs about {}",
                                run_.share().name, format_size(free), format_size(needed)),
                    "Make room on the share's volume, or give it a larger one. Nothing was asked "
                    "of the host."};
    }
    if (goal.kind == PointKind::full && free < virtual_bytes(run_.plan())) {
        run_.note(fmt::format(
            "share {} has {} free, less than the disks' {}: enough only if they "
            "are not full",
            run_.share().name, format_size(free), format_size(virtual_bytes(run_.plan()))));
    }
}

ExportStep::Ended ExportStep::ask(const Attempt& attempt) {
    run_.area().check_root();
    // Without it the export could not be settled; better to know before the host works for hours.
    if (auto* server = run_.services().file_server) server->check_running(run_.stop());
    check_space(attempt.goal);
    Json before = Json::array();
    for (const auto& job : list_exports(run_))
        before.push_back(job.instance_id);
    run_.journal().put(
        key::intent(key::kExport, attempt.number),
        {{"run_id", attempt.run_id}, {"goal", to_json(attempt.goal)}, {"before", before}});
    run_.area().create_run(run_.record().id, attempt.run_id);
    hyperv::ExportRequest request;
    request.vm_id = run_.vm_id();
    request.snapshot_instance_id = run_.journal().find(key::kSnapshot)->at("id");
    request.export_directory = share::join_unc(run_.share().unc, run_.record().id, attempt.run_id);
    request.base_reference_point = attempt.goal.base_reference_point;
    request.excluded_disk_ids = run_.plan().excluded_disk_ids;
    run_.note(fmt::format("exporting to {}, {}", request.export_directory,
                          repository::to_string(attempt.goal.kind)));
    const Asked asked = backup::ask(run_, key::job(key::kExport, attempt.number),
                                    [&] { return run_.host().start_export(request); });
    if (asked.refusal) {
        return {Outcome::failed, asked.refusal->message(), asked.refusal->hint(),
                is_target_side(*asked.refusal)};
    }
    return asked.job ? wait_for_export(attempt, *asked.job) : look_for_job(attempt);
}

ExportStep::Ended ExportStep::look_for_job(const Attempt& attempt) {
    const Json intent = *run_.journal().find(key::intent(key::kExport, attempt.number));
    std::optional<hyperv::JobRef> running;
    wait_until(run_, run_.pace().appear_max, [&] {
        running = find_new_export(run_, intent);
        return running.has_value();
    });
    if (!running) return {};
    run_.journal().put(key::job(key::kExport, attempt.number), running->to_json());
    return wait_for_export(attempt, *running);
}

ExportStep::Ended ExportStep::wait_for_export(const Attempt& attempt, const hyperv::JobRef& job) {
    const std::filesystem::path directory = run_.area().run_path(run_.record().id, attempt.run_id);
    const std::uint64_t total = virtual_bytes(run_.plan());
    std::uint16_t percent = 0;
    std::uint64_t bytes = 0;
    SteadyTime last_move = run_.now();
    PollPauses pauses{run_, run_.pace().export_poll};
    for (;;) {
        const hyperv::JobStatus status =
            read_patiently(run_, [&] { return run_.host().read_job(job); });
        switch (status.state) {
            case JobState::completed:
                return {Outcome::done, {}, {}, false};
            case JobState::vanished:
                return {};
            case JobState::failed: {
                const Error failure = failure_of(status, "ExportSystemDefinition");
                return {Outcome::failed, failure.message(), failure.hint(),
                        hyperv::side_of(status.hresult) == FailureSide::target};
            }
            case JobState::running:
                break;
        }
        const std::uint64_t bytes_now = count_tree_bytes(run_.services().file_system, directory);
        if (status.percent != percent || bytes_now != bytes) last_move = run_.now();
        percent = status.percent;
        bytes = bytes_now;
        run_.job().progress().report("export", total / 100 * std::min<std::uint16_t>(percent, 100),
                                     total);
        if (run_.now() - last_move >= run_.pace().export_stall) return end_stalled(job);
        pauses.wait();
    }
}

ExportStep::Ended ExportStep::end_stalled(const hyperv::JobRef& job) {
    run_.host().cancel_job(job);
    wait_for_job(run_, job);
    return {Outcome::failed,
            fmt::format("neither its progress nor its files moved for {} minutes; it was ended",
                        run_.pace().export_stall.count()),
            "Look at the network between host and share, and at the host's storage.", true};
}

bool ExportStep::prove(const Attempt& attempt, ExportGoal& goal) {
    run_.job().enter_stage("settle");
    share::ExportArea& area = run_.area();
    try {
        area.settle(run_.record().id, attempt.run_id, settle_options(run_),
                    run_.services().file_server, run_.stop());
        analyse_export(run_, area.run_path(run_.record().id, attempt.run_id), goal);
    } catch (Error& error) {
        if (goal.kind == PointKind::full || !concerns_content(error)) {
            error.add_context(fmt::format("looking at the export of VM {}", run_.plan().vm_name));
            throw;
        }
        record(attempt, {Outcome::failed, error.message(), error.hint(), false});
        go_over_to_full(attempt, "the incremental export can't be used: " + error.message(), goal);
        return false;
    }
    run_.journal().put(key::kExport, {{"run_id", attempt.run_id}, {"goal", to_json(goal)}});
    return true;
}

void ExportStep::go_over_to_full(const Attempt& attempt, const std::string& why, ExportGoal& goal) {
    goal = {PointKind::full, why, "incremental_failed", {}, {}};
    run_.warn("full backup in the same run: " + why);
    run_.area().remove_run(run_.record().id, attempt.run_id);
}

void undo_exports(Run& run) {
    for (int number = 0; number < static_cast<int>(limits::kExportAttemptsMax); ++number) {
        const auto intent = run.journal().find(key::intent(key::kExport, number));
        if (!intent) continue;
        const std::string run_id = intent->at("run_id");
        if (!run.journal().has(key::ended(key::kExport, number))) {
            if (const auto job = find_running_export(run, number, *intent)) {
                run.note("ending the host's export");
                run.host().cancel_job(*job);
                wait_for_job(run, *job);
            }
        }
        run.area().remove_run(run.record().id, run_id);
    }
}

}  // namespace entrepot::backup
