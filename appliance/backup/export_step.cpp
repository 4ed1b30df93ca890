// See export_step.h.
#include "appliance/backup/export_step.h"

#include "appliance/backup/comparison_export.h"
#include "appliance/backup/export_analysis.h"
#include "appliance/backup/limits.h"
#include "appliance/backup/plan_step.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::backup {

using repository::PointKind;

namespace {

/// Room for the configuration files and the images' tables, whatever the guest wrote.
constexpr std::uint64_t kFreeBytesMin = 32 * kMiB;

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

}  // namespace

std::uint64_t export_bytes_needed(Run& run, PointKind kind) {
    if (kind != PointKind::full) return kFreeBytesMin;
    const auto points = list_points_of_vm(run.services(), run.plan().host_id, run.plan().vm_id);
    return points.empty() ? kFreeBytesMin : std::max(kFreeBytesMin, points.back().logical_bytes);
}

void ExportStep::run() {
    run_.job().enter_stage("export");
    if (run_.journal().has(key::kExport)) return;
    ExportGoal goal = run_.plan().goal;
    for (int number = 0; number < static_cast<int>(limits::kExportAttemptsMax); ++number) {
        if (!attempts_.is_begun(number)) check_space(number, goal);
        const Attempt attempt = attempts_.make(number, goal);
        goal = attempt.goal;
        const Ended ended = attempts_.run(attempt);
        if (ended.outcome == Outcome::done) {
            if (prove(attempt, goal)) return;
            continue;
        }
        if (ended.outcome == Outcome::unknown) {
            run_.warn("how the export ended is not known: exporting again into a new directory");
            run_.area().remove_run(run_.record().id, attempt.run_id);
            continue;
        }
        if (ended.is_target_side &&
            make_room(run_, number, "the export beside it failed: " + ended.text)) {
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

void ExportStep::check_space(int number, const ExportGoal& goal) {
    const std::uint64_t needed = export_bytes_needed(run_, goal.kind);
    std::uint64_t free = run_.area().free_bytes();
    if (free < needed && make_room(run_, number,
                                   fmt::format("share {} has {} free, too little for the full "
                                               "beside it",
                                               run_.share().name, format_size(free)))) {
        free = run_.area().free_bytes();
    }
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

bool ExportStep::prove(const Attempt& attempt, ExportGoal& goal) {
    run_.job().enter_stage("settle");
    share::ExportArea& area = run_.area();
    try {
        area.settle(run_.record().id, attempt.run_id, run_.services().settle,
                    run_.services().handles, run_.stop());
        analyse_export(run_, area.run_path(run_.record().id, attempt.run_id), goal);
    } catch (Error& error) {
        if (goal.kind == PointKind::full || !concerns_content(error)) {
            error.add_context(fmt::format("looking at the export of VM {}", run_.plan().vm_name));
            throw;
        }
        attempts_.record(attempt, {Outcome::failed, error.message(), error.hint(), false});
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

}  // namespace entrepot::backup
