// See compare_step.h.
#include "appliance/backup/compare_step.h"

#include "appliance/backup/comparison_export.h"
#include "appliance/backup/disk_compare.h"
#include "appliance/backup/export_analysis.h"
#include "appliance/backup/ingest_step.h"
#include "appliance/backup/limits.h"
#include "appliance/backup/merged_disk.h"
#include "appliance/backup/plan_step.h"
#include "appliance/backup/repository_wait.h"

#include "base/error.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

namespace entrepot::backup {

using repository::PointKind;

namespace {

/// What change tracking counts: the disk without the guest's auto-recovery writes.
const disk::ImageChain& tracked(const DiskPlan& disk) {
    return disk.disk.tracking ? *disk.disk.tracking : disk.disk.restore;
}

class Comparing {
public:
    Comparing(Run& run, repository::PointReader& base, std::uint64_t total_bytes)
        : run_(run),
          base_(base),
          work_{run.job().progress(), run.stop()},
          chunk_size_bytes_(run.services().repository.info().chunk_size_bytes) {
        progress_.total_bytes = total_bytes;
    }

    DiskReport compare(const DiskPlan& changes, const DiskPlan& full) {
        DiskReport report{full.draft.index, full.draft.id, full.draft.name, std::nullopt, {}};
        const disk::ImageChain& truth = tracked(full);
        if (!changes.base_index) {
            report.reason = "the host sent the complete disk although its changes were asked for";
        } else if (tracked(changes).size_bytes() != truth.size_bytes()) {
            report.reason = fmt::format("the changes are of a disk of {} bytes, the full has {}",
                                        tracked(changes).size_bytes(), truth.size_bytes());
        } else {
            const auto base = base_.open_disk(*changes.base_index, changes.base_view);
            const MergedDisk claimed{tracked(changes), base.get(), {}};
            report.comparison = compare_disks(claimed, truth, chunk_size_bytes_, progress_, work_);
            report.reason = changes.warning;
        }
        return report;
    }

private:
    Run& run_;
    repository::PointReader& base_;
    Work work_;
    std::uint32_t chunk_size_bytes_;
    CopyProgress progress_;
};

void check_as_taken(Run& run, std::string_view key, const ExportAnalysis& analysis) {
    if (image_identities(analysis) == run.journal().find(key)->at("images")) return;
    throw Error{ErrorCode::corrupt,
                "an image of the export is not what it was when it was taken from the share"};
}

}  // namespace

void CompareStep::run() {
    if (!run_.plan().comparison) return;
    if (const auto known = run_.journal().find(key::kCompared)) {
        return tell(*known);
    }
    run_.job().enter_stage("compare");
    const Json report = to_json(compare());
    run_.journal().put(key::kCompared, report);
    tell(report);
}

ComparisonReport CompareStep::compare() {
    const Json exported = *run_.journal().find(key::kComparison);
    ComparisonReport report;
    report.base_point = run_.plan().comparison->goal.base_point;
    if (exported.contains("obstacle")) {
        report.obstacle = exported.at("obstacle");
        return report;
    }
    try {
        return compare_exports(exported);
    } catch (const Error& error) {
        if (ends_run(run_, error)) throw;
        report.obstacle = error.message();
        return report;
    }
}

ComparisonReport CompareStep::compare_exports(const Json& exported) {
    const ExportGoal goal = export_goal_from(exported.at("goal"));
    const ExportAnalysis changes = analyse_export(
        run_, run_.area().taken_path(exported.at("run_id").get<std::string>()), goal);
    check_as_taken(run_, key::kComparisonTaken, changes);
    const Json full_export = *run_.journal().find(key::kExport);
    const ExportAnalysis full =
        analyse_export(run_, run_.area().taken_path(full_export.at("run_id").get<std::string>()),
                       export_goal_from(full_export.at("goal")));
    check_as_taken(run_, key::kTaken, full);

    const auto base = when_repository_is_free(
        run_, [&] { return run_.services().repository.open_point(goal.base_point); });
    std::uint64_t total = 0;
    for (const DiskPlan& disk : full.disks)
        total += disk.disk.info().size_bytes;
    ComparisonReport report;
    report.base_point = goal.base_point;
    Comparing comparing{run_, *base, total};
    // Both analyses have one entry for each disk of the plan, in its order.
    for (std::size_t i = 0; i < full.disks.size(); ++i) {
        report.disks.push_back(comparing.compare(changes.disks[i], full.disks[i]));
    }
    list_suspects(report);
    return report;
}

/// What was wrong in one increment is so in all that were built upon it, up to the next full.
void CompareStep::list_suspects(ComparisonReport& report) const {
    const auto points = list_points_of_vm(run_.services(), run_.plan().host_id, run_.vm_id());
    for (auto point = points.rbegin(); point != points.rend(); ++point) {
        if (point->draft.kind == PointKind::full) return;
        ++report.suspect_point_count;
        if (report.suspect_points.size() < limits::kSuspectPointsMax) {
            report.suspect_points.push_back(point->id);
        }
    }
}

void CompareStep::tell(const Json& report) {
    const std::string text = describe_comparison(report);
    const bool was_expected = !run_.plan().comparison->obstacle.empty();
    if (is_agreement(report) || (was_expected && !is_disagreement(report))) {
        run_.note(text);
    } else {
        run_.warn(text);
    }
}

}  // namespace entrepot::backup
