// See export_attempts.h.
#include "appliance/backup/export_attempts.h"

#include "appliance/backup/export_files.h"
#include "appliance/backup/host_calls.h"
#include "appliance/backup/limits.h"
#include "appliance/share/logical_use.h"
#include "appliance/share/unc.h"

#include "exporter/hyperv/hresult.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

namespace entrepot::backup {

using hyperv::FailureSide;
using hyperv::JobState;

namespace {

/// The job's own id for the first attempt at what becomes the point.
std::string make_run_id(Run& run, std::string_view step, int number) {
    if (number == 0 && step == key::kExport) return run.job().id();
    std::array<std::byte, 16> bytes{};
    run.services().random.fill(bytes);
    return to_hex(bytes);
}

bool is_target_side(const Error& refusal) {
    return hyperv::side_of(hyperv::hresult_of_text(refusal.message())) == FailureSide::target;
}

std::vector<hyperv::JobRef> list_exports(Run& run) {
    return read_patiently(run, [&] { return run.host().list_export_jobs(run.vm_id()); });
}

bool has_files(Run& run, const std::string& run_id) {
    return count_tree_bytes(run.services().file_system,
                            run.area().run_path(run.record().id, run_id)) > 0;
}

/// Exports of the VM that began after our intent. None of them is ours while no file lies in a
/// directory that nobody but the host, and only for us, writes into. A single one is ours then; of
/// several nothing tells which, since a job does not name its directory.
std::vector<hyperv::JobRef> find_new_exports(Run& run, const Json& intent) {
    const Json& before = intent.at("before");
    std::vector<hyperv::JobRef> fresh;
    for (const auto& job : list_exports(run)) {
        if (std::find(before.begin(), before.end(), job.instance_id) == before.end()) {
            fresh.push_back(job);
        }
    }
    if (!fresh.empty() && !has_files(run, intent.at("run_id"))) fresh.clear();
    return fresh;
}

bool is_running(Run& run, const hyperv::JobRef& job) {
    return read_patiently(run, [&] { return run.host().read_job(job); }).state == JobState::running;
}

/// The export to end when a run is undone. Another product's is never ended for ours.
std::optional<hyperv::JobRef> find_running_export(Run& run, const BegunExport& begun) {
    auto job = run.journal().find_job(key::job(begun.step, begun.number));
    if (!job) {
        const auto fresh = find_new_exports(run, begun.intent);
        if (fresh.size() > 1) {
            run.warn(
                "several exports of this VM began when ours had no answer, and nothing tells which "
                "is ours: none was ended. Look at them in Hyper-V Manager.");
        }
        if (fresh.size() == 1) job = fresh.front();
    }
    return job && is_running(run, *job) ? job : std::nullopt;
}

/// Why the host has written more than it may, or an empty text. Counted is what it wrote, not what
/// that occupies.
std::string find_excess(Run& run) {
    const std::uint64_t quota = run.quota_bytes();
    const auto use = share::measure_logical_use(run.services().file_system,
                                                run.area().host_path(run.record().id));
    if (use.is_beyond_limits) {
        return fmt::format("host {} makes more files or folders on share {} than an export has",
                           run.record().draft.name, run.share().name);
    }
    if (quota == 0 || use.size_bytes <= quota) return {};
    return fmt::format("host {} has written {} to share {}, beyond its quota of {}",
                       run.record().draft.name, format_size(use.size_bytes), run.share().name,
                       format_size(quota));
}

}  // namespace

std::uint64_t virtual_bytes(const RunPlan& plan) {
    return std::accumulate(
        plan.disks.begin(), plan.disks.end(), std::uint64_t{0},
        [](std::uint64_t sum, const ExpectedDisk& disk) { return sum + disk.size_bytes; });
}

bool ExportAttempts::is_begun(int number) const {
    return run_.journal().has(key::intent(step_, number));
}

ExportAttempts::Attempt ExportAttempts::make(int number, const ExportGoal& goal) {
    if (const auto intent = run_.journal().find(key::intent(step_, number))) {
        return {number, intent->at("run_id"), export_goal_from(intent->at("goal"))};
    }
    return {number, make_run_id(run_, step_, number), goal};
}

ExportAttempts::Ended ExportAttempts::run(const Attempt& attempt) {
    if (const auto known = run_.journal().find(key::ended(step_, attempt.number))) {
        const std::string outcome = known->at("outcome");
        return {outcome == "done"     ? Outcome::done
                : outcome == "failed" ? Outcome::failed
                                      : Outcome::unknown,
                known->at("text"), known->at("hint"), known->at("is_target_side"),
                known->value("has_server_restarted", false)};
    }
    Ended ended;
    if (const auto job = run_.journal().find_job(key::job(step_, attempt.number))) {
        ended = wait(attempt, *job);
    } else if (run_.journal().has(key::intent(step_, attempt.number))) {
        ended = look_for_job(attempt);
    } else {
        ended = ask(attempt);
    }
    ended.has_server_restarted = ended.is_target_side && has_server_restarted(attempt.number);
    record(attempt, ended);
    return ended;
}

void ExportAttempts::record(const Attempt& attempt, const Ended& ended) {
    const char* outcome = ended.outcome == Outcome::done     ? "done"
                          : ended.outcome == Outcome::failed ? "failed"
                                                             : "unknown";
    run_.journal().put(key::ended(step_, attempt.number),
                       {{"outcome", outcome},
                        {"text", ended.text},
                        {"hint", ended.hint},
                        {"is_target_side", ended.is_target_side},
                        {"has_server_restarted", ended.has_server_restarted}});
}

bool ExportAttempts::has_server_restarted(int number) const {
    const auto intent = run_.journal().find(key::intent(step_, number));
    const std::string before = intent ? intent->value("server_life", "") : "";
    if (before.empty()) return false;
    if (before != run_.file_server_life()) return true;
    // The host sees a death at once, who looks after the server a moment later.
    try {
        run_.file_server()->check_running(run_.stop());
        return false;
    } catch (const Error& error) {
        return error.code() == ErrorCode::unreachable || error.code() == ErrorCode::timeout;
    }
}

ExportAttempts::Ended ExportAttempts::ask(const Attempt& attempt) {
    run_.area().check_root();
    // Without it the export could not be settled; better to know before the host works for hours.
    await_file_server(run_);
    Json before = Json::array();
    for (const auto& job : list_exports(run_))
        before.push_back(job.instance_id);
    run_.journal().put(key::intent(step_, attempt.number),
                       {{"run_id", attempt.run_id},
                        {"goal", to_json(attempt.goal)},
                        {"before", before},
                        {"server_life", run_.file_server_life()}});
    run_.area().create_run(run_.record().id, attempt.run_id);
    hyperv::ExportRequest request;
    request.vm_id = run_.vm_id();
    request.snapshot_instance_id = run_.journal().find(key::kSnapshot)->at("id");
    request.export_directory = share::join_unc(run_.share().unc, run_.record().id, attempt.run_id);
    request.base_reference_point = attempt.goal.base_reference_point;
    request.excluded_disk_ids = run_.plan().excluded_disk_ids;
    run_.note(fmt::format("exporting to {}, {}", request.export_directory,
                          repository::to_string(attempt.goal.kind)));
    const Asked asked = backup::ask(run_, key::job(step_, attempt.number),
                                    [&] { return run_.host().start_export(request); });
    if (asked.refusal) {
        return {Outcome::failed, asked.refusal->message(), asked.refusal->hint(),
                is_target_side(*asked.refusal), false};
    }
    return asked.job ? wait(attempt, *asked.job) : look_for_job(attempt);
}

ExportAttempts::Ended ExportAttempts::look_for_job(const Attempt& attempt) {
    const Json intent = *run_.journal().find(key::intent(step_, attempt.number));
    std::vector<hyperv::JobRef> fresh;
    wait_until(run_, run_.pace().appear_max, [&] {
        fresh = find_new_exports(run_, intent);
        return !fresh.empty();
    });
    if (fresh.empty()) return {};
    if (fresh.size() > 1) return outwait(attempt, fresh);
    run_.journal().put(key::job(step_, attempt.number), fresh.front().to_json());
    return wait(attempt, fresh.front());
}

// Each may be another product's: how it ends says nothing about ours, and none is ended by us.
ExportAttempts::Ended ExportAttempts::outwait(const Attempt& attempt,
                                              std::vector<hyperv::JobRef> jobs) {
    run_.warn(
        fmt::format("{} exports of this VM began when ours had no answer, and nothing tells which "
                    "is ours: waiting until all have ended, then exporting again",
                    jobs.size()));
    const std::filesystem::path directory = run_.area().run_path(run_.record().id, attempt.run_id);
    std::uint64_t bytes = 0;
    SteadyTime last_move = run_.now();
    PollPauses pauses{run_, run_.pace().export_poll};
    for (;;) {
        const auto ended =
            std::erase_if(jobs, [&](const hyperv::JobRef& job) { return !is_running(run_, job); });
        if (jobs.empty()) return {};
        std::string why = find_excess(run_);
        const std::uint64_t bytes_now = count_tree_bytes(run_.services().file_system, directory);
        if (ended != 0 || bytes_now != bytes) last_move = run_.now();
        bytes = bytes_now;
        if (run_.now() - last_move >= run_.pace().export_stall) {
            why = fmt::format("for {} minutes no file of ours moved, and none of the exports ended",
                              run_.pace().export_stall.count());
        }
        if (!why.empty()) {
            return {Outcome::failed, why,
                    "Look at this VM's exports in Hyper-V Manager: none of them was ended, since "
                    "nothing tells ours from another product's.",
                    true, false};
        }
        pauses.wait();
    }
}

ExportAttempts::Ended ExportAttempts::wait(const Attempt& attempt, const hyperv::JobRef& job) {
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
                return {Outcome::done, {}, {}, false, false};
            case JobState::vanished:
                return {};
            case JobState::failed: {
                const Error failure = failure_of(status, "ExportSystemDefinition");
                return {Outcome::failed, failure.message(), failure.hint(),
                        hyperv::side_of(status.hresult) == FailureSide::target, false};
            }
            case JobState::running:
                break;
        }
        const std::uint64_t bytes_now = count_tree_bytes(run_.services().file_system, directory);
        if (const auto why = find_excess(run_); !why.empty()) return end_beyond_quota(job, why);
        if (status.percent != percent || bytes_now != bytes) last_move = run_.now();
        percent = status.percent;
        bytes = bytes_now;
        run_.job().progress().report("export", total / 100 * std::min<std::uint16_t>(percent, 100),
                                     total);
        if (run_.now() - last_move >= run_.pace().export_stall) return end_stalled(job);
        pauses.wait();
    }
}

ExportAttempts::Ended ExportAttempts::end_stalled(const hyperv::JobRef& job) {
    run_.host().cancel_job(job);
    wait_for_job(run_, job);
    return {Outcome::failed,
            fmt::format("neither its progress nor its files moved for {} minutes; it was ended",
                        run_.pace().export_stall.count()),
            "Look at the network between host and share, and at the host's storage.", true, false};
}

// What the host still holds open then is closed when the run's folder is discarded.
ExportAttempts::Ended ExportAttempts::end_beyond_quota(const hyperv::JobRef& job,
                                                       const std::string& why) {
    run_.warn("stopping the export: " + why);
    run_.host().cancel_job(job);
    wait_for_job(run_, job);
    return {Outcome::failed, why,
            fmt::format("entrepot share quota {} --size SIZE sets another quota; the host's other "
                        "exports count, too",
                        run_.record().draft.name),
            true, false};
}

std::vector<BegunExport> list_begun_exports(Run& run) {
    std::vector<BegunExport> begun;
    for (const std::string_view step : {key::kComparison, key::kExport}) {
        for (int number = 0; number < static_cast<int>(limits::kExportAttemptsMax); ++number) {
            const auto intent = run.journal().find(key::intent(step, number));
            if (intent) begun.push_back({std::string{step}, number, *intent, intent->at("run_id")});
        }
    }
    return begun;
}

void undo_exports(Run& run) {
    for (const BegunExport& begun : list_begun_exports(run)) {
        if (!run.journal().has(key::ended(begun.step, begun.number))) {
            if (const auto job = find_running_export(run, begun)) {
                run.note("ending the host's export");
                run.host().cancel_job(*job);
                wait_for_job(run, *job);
            }
        }
        discard_export(run, begun.run_id);
    }
}

void discard_export(Run& run, const std::string& run_id) {
    run.area().discard_run(run.record().id, run_id, settle_options(run), run.file_server());
}

}  // namespace entrepot::backup
