// See comparison_export.h.
#include "appliance/backup/comparison_export.h"

#include "appliance/backup/export_analysis.h"
#include "appliance/backup/export_step.h"
#include "appliance/backup/ingest_step.h"
#include "appliance/backup/limits.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::backup {

using repository::PointKind;
using Outcome = ExportAttempts::Outcome;

namespace {

/// The folder goes now, for its room, or at the end with the others.
void remove_now(Run& run, const std::string& run_id) {
    try {
        run.area().remove_run(run.record().id, run_id);
    } catch (const Error& error) {
        if (ends_run(run, error)) throw;
        run.warn("the folder of the changes could not be removed: " + error.message());
    }
}

Json image_records(const ExportAnalysis& analysis) {
    Json records = Json::object();
    for (const DiskPlan& disk : analysis.disks) {
        Json& list = records[std::to_string(disk.draft.index)] = Json::array();
        for (const repository::ImageRecord& image : disk.draft.images) {
            list.push_back({{"file_name", image.file_name},
                            {"data_write_guid", image.data_write_guid.to_string()},
                            {"is_leaf", image.is_leaf}});
        }
    }
    return records;
}

}  // namespace

bool ends_run(Run& run, const Error& error) {
    return error.code() == ErrorCode::cancelled || run.stop().stop_requested();
}

void ComparisonExport::run() {
    if (!run_.plan().comparison || run_.journal().has(key::kComparison)) return;
    run_.job().enter_stage("export");
    const std::string obstacle = find_obstacle();
    if (!obstacle.empty()) give_up(obstacle);
}

std::string ComparisonExport::find_obstacle() {
    const ComparisonPlan& plan = *run_.plan().comparison;
    if (!plan.obstacle.empty()) return plan.obstacle;
    run_.note("exporting the changes as well, to compare the full with them");
    for (int number = 0; number < static_cast<int>(limits::kComparisonAttemptsMax); ++number) {
        if (!attempts_.is_begun(number)) {
            if (auto obstacle = find_lack_of_room(); !obstacle.empty()) return obstacle;
        }
        const auto attempt = attempts_.make(number, plan.goal);
        const auto ended = attempts_.run(attempt);
        if (ended.outcome == Outcome::done) return prove(attempt);
        remove_now(run_, attempt.run_id);
        if (ended.outcome == Outcome::failed) {
            return "the export of the changes failed: " + ended.text;
        }
    }
    return "how the export of the changes ended is not known";
}

std::string ComparisonExport::find_lack_of_room() {
    const std::uint64_t needed = export_bytes_needed(run_, PointKind::full) +
                                 export_bytes_needed(run_, PointKind::incremental);
    const std::uint64_t free = run_.area().free_bytes();
    if (free >= needed) return {};
    return fmt::format("share {} has {} free, a full and the changes need about {}",
                       run_.share().name, format_size(free), format_size(needed));
}

std::string ComparisonExport::prove(const ExportAttempts::Attempt& attempt) {
    run_.job().enter_stage("settle");
    share::ExportArea& area = run_.area();
    try {
        area.settle(run_.record().id, attempt.run_id, settle_options(run_), run_.file_server(),
                    run_.stop());
        analyse_export(run_, area.run_path(run_.record().id, attempt.run_id), attempt.goal);
    } catch (const Error& error) {
        if (ends_run(run_, error)) throw;
        remove_now(run_, attempt.run_id);
        return "the export of the changes can't be used: " + error.message();
    }
    run_.journal().put(key::kComparison,
                       {{"run_id", attempt.run_id}, {"goal", to_json(attempt.goal)}});
    return {};
}

void ComparisonExport::give_up(const std::string& why) {
    run_.journal().put(key::kComparison, {{"obstacle", why}});
}

void ComparisonExport::take() {
    if (!run_.plan().comparison || run_.journal().has(key::kComparisonTaken)) return;
    const Json exported = *run_.journal().find(key::kComparison);
    if (exported.contains("obstacle")) return;
    const std::string run_id = exported.at("run_id");
    try {
        run_.area().take(run_.record().id, run_id, settle_options(run_), run_.file_server(),
                         run_.stop());
        const ExportAnalysis analysis = analyse_export(run_, run_.area().taken_path(run_id),
                                                       export_goal_from(exported.at("goal")));
        run_.journal().put(key::kComparisonTaken, {{"run_id", run_id},
                                                   {"images", image_identities(analysis)},
                                                   {"records", image_records(analysis)}});
    } catch (const Error& error) {
        if (ends_run(run_, error)) throw;
        give_up("the export of the changes can't be used: " + error.message());
    }
}

void add_compared_images(Run& run, std::vector<DiskPlan>& disks) {
    const auto taken = run.journal().find(key::kComparisonTaken);
    if (!taken) return;
    for (DiskPlan& disk : disks) {
        const Json records =
            taken->at("records").value(std::to_string(disk.draft.index), Json::array());
        for (const Json& record : records) {
            const auto guid = Guid::parse(record.at("data_write_guid").get<std::string>());
            if (!guid) continue;
            disk.draft.images.push_back({record.at("file_name"), *guid, record.at("is_leaf")});
        }
    }
}

bool make_room(Run& run, int number, const std::string& why) {
    const auto exported = run.journal().find(key::kComparison);
    if (!exported) return false;
    if (exported->contains("obstacle")) return exported->value("for_attempt", -1) == number;
    remove_now(run, exported->at("run_id").get<std::string>());
    run.journal().put(key::kComparison, {{"obstacle", why}, {"for_attempt", number}});
    return true;
}

}  // namespace entrepot::backup
