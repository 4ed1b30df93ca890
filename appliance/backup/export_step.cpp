// See export_step.h.
#include "appliance/backup/export_step.h"

#include "appliance/backup/admission.h"
#include "appliance/backup/comparison_export.h"
#include "appliance/backup/export_analysis.h"
#include "appliance/backup/host_calls.h"
#include "appliance/backup/limits.h"
#include "appliance/backup/plan_step.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::backup {

using repository::PointKind;

namespace {

constexpr std::string_view kNoExportHint =
    "What the host left on the share is no whole export. Its event log "
    "Microsoft-Windows-Hyper-V-VMMS-Admin may say why; nothing of it was kept, and the next backup "
    "starts anew.";

/// Failures of the share or of ourselves: a full would meet them as well.
bool concerns_content(const Error& error) {
    switch (error.code()) {
        case ErrorCode::corrupt:
        case ErrorCode::conflict:  // An image that its host has not finished.
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
    // The run was admitted with room for a full; of changes, only the tables are certain.
    return kind == PointKind::full ? export_bytes_max(run.plan()) : limits::kExportMarginBytes;
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
            discard_export(run_, attempt.run_id);
            continue;
        }
        if (ended.is_target_side && ended.has_server_restarted) {
            run_.warn(
                "the share's file server was started anew while the host exported: exporting "
                "again (" +
                ended.text + ")");
            discard_export(run_, attempt.run_id);
            continue;
        }
        if (ended.is_target_side &&
            make_room(run_, number, "the export beside it failed: " + ended.text)) {
            discard_export(run_, attempt.run_id);
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
}

bool ExportStep::prove(const Attempt& attempt, ExportGoal& goal) {
    run_.job().enter_stage("settle");
    share::ExportArea& area = run_.area();
    try {
        await_file_server(run_);
        area.settle(run_.record().id, attempt.run_id, settle_options(run_), run_.file_server(),
                    run_.stop());
        analyse_export(run_, area.run_path(run_.record().id, attempt.run_id), goal);
    } catch (Error& error) {
        if (goal.kind == PointKind::full || !concerns_content(error)) {
            if (error.hint().empty()) error.set_hint(std::string{kNoExportHint});
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
    discard_export(run_, attempt.run_id);
}

}  // namespace entrepot::backup
