// See ingest_step.h.
#include "appliance/backup/ingest_step.h"

#include "appliance/backup/comparison_export.h"
#include "appliance/backup/host_calls.h"
#include "appliance/backup/ingest.h"
#include "appliance/backup/plan_step.h"
#include "appliance/backup/repository_wait.h"

#include "base/error.h"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace entrepot::backup {

using repository::Consistency;
using repository::PointKind;
using repository::PointSummary;

Json image_identities(const ExportAnalysis& analysis) {
    Json images = Json::object();
    for (const DiskPlan& disk : analysis.disks) {
        for (const auto& layer : disk.disk.restore.layers()) {
            images[layer->file().path().filename().string() + " " +
                   layer->info().virtual_disk_id.to_string()] = {
                {"data_write_guid", layer->info().data_write_guid.to_string()},
                {"file_size_bytes", layer->info().file_size_bytes}};
        }
    }
    return images;
}

void TakeStep::run() {
    run_.job().enter_stage("settle");
    if (run_.journal().has(key::kTaken)) return;
    const Json exported = *run_.journal().find(key::kExport);
    const std::string run_id = exported.at("run_id");
    await_file_server(run_);
    run_.area().take(run_.record().id, run_id, settle_options(run_), run_.file_server(),
                     run_.stop());
    const ExportAnalysis analysis =
        analyse_export(run_, run_.area().taken_path(run_id), export_goal_from(exported.at("goal")));
    run_.journal().put(key::kTaken, {{"run_id", run_id}, {"images", image_identities(analysis)}});
}

repository::PointSummary IngestStep::run() {
    run_.job().enter_stage("ingest");
    if (auto committed = find_committed_point(run_)) {
        run_.journal().put(key::kPoint, {{"id", committed->id}});
        return *committed;
    }
    const Json exported = *run_.journal().find(key::kExport);
    const std::string run_id = exported.at("run_id");
    const ExportGoal goal = export_goal_from(exported.at("goal"));
    ExportAnalysis analysis = analyse_export(run_, run_.area().taken_path(run_id), goal);
    check_as_taken(analysis);
    for (const std::string& warning : analysis.warnings)
        run_.warn(warning);

    IngestPlan plan;
    plan.draft = make_draft(goal, analysis, run_id);
    plan.disks = std::move(analysis.disks);
    plan.files = std::move(analysis.files);
    plan.wants_sha256 = run_.job().parameters().value("sha256", false);
    add_compared_images(run_, plan.disks);
    const auto writer = when_repository_is_free(run_, [&] {
        return write_point(
            {run_.services().repository, run_.services().file_system, run_.services().ingest_limit},
            plan, Work{run_.job().progress(), run_.stop()});
    });
    run_.job().enter_stage("commit");
    const PointSummary point = writer->commit();
    run_.journal().put(key::kPoint, {{"id", point.id}});
    run_.note(fmt::format("point {} is committed", point.id));
    return point;
}

void IngestStep::check_as_taken(const ExportAnalysis& analysis) const {
    const Json taken = run_.journal().find(key::kTaken)->at("images");
    if (image_identities(analysis) == taken) return;
    throw Error{ErrorCode::corrupt,
                "an image of the export is not what it was when it was taken from the share",
                "Somebody writes into the share's folder. Nothing was kept of this export."};
}

repository::PointDraft IngestStep::make_draft(const ExportGoal& goal,
                                              const ExportAnalysis& analysis,
                                              const std::string& run_id) {
    const RunPlan& plan = run_.plan();
    const Json snapshot = *run_.journal().find(key::kSnapshot);
    const Json converted = *run_.journal().find(key::kConvert);
    repository::PointDraft draft;
    draft.host = plan.host_id;
    draft.vm_id = plan.vm_id;
    draft.vm_name = plan.vm_name;
    draft.kind = goal.kind;
    draft.reason = goal.reason;
    draft.base_point = goal.base_point;
    std::string reason_code = goal.reason_code;
    if (goal.kind == PointKind::incremental && !uses_base(analysis.disks)) {
        draft.kind = PointKind::full;
        draft.base_point.clear();
        draft.reason = "the host sent complete disks although changes were asked for";
        reason_code = "host_sent_full";
    }
    draft.consistency =
        snapshot.at("level") == "application" ? Consistency::application : Consistency::crash;
    draft.reference_point = converted.at("reference_point");
    draft.skipped = plan.skipped;
    Json disks = Json::object();
    for (const ExpectedDisk& disk : plan.disks) {
        if (!disk.virtual_disk_id.empty())
            disks[disk.virtual_disk_id] = {{"path", disk.path}, {"place", disk.place}};
    }
    draft.host_facts = {{"job_id", run_.job().id()},
                        {"run_id", run_id},
                        {"host_name", plan.host_name},
                        {"reason_code", reason_code},
                        {"snapshot", snapshot.at("id")},
                        {"consistency_note", snapshot.at("note")},
                        {"no_reference_reason", converted.at("reason")},
                        {"disk_ids", converted.at("disk_ids")},
                        {"rct_ids", converted.at("rct_ids")},
                        {"last_applied_snapshot", plan.last_applied_snapshot},
                        {"current_snapshot", plan.current_snapshot},
                        {"boot_time", plan.boot_time},
                        {"warnings", run_.warnings()},
                        {"vm", plan.vm_facts},
                        {"disks", disks}};
    if (const auto compared = run_.journal().find(key::kCompared)) {
        draft.host_facts["comparison"] = *compared;
    }
    return draft;
}

std::optional<PointSummary> find_committed_point(Run& run) {
    for (auto& point : list_points_of_vm(run.services(), run.plan().host_id, run.plan().vm_id)) {
        if (point.draft.host_facts.value("job_id", "") == run.job().id()) return std::move(point);
    }
    return std::nullopt;
}

}  // namespace entrepot::backup
