// See ingest_job.h.
#include "appliance/backup/ingest_job.h"

#include "appliance/backup/ingest.h"
#include "appliance/backup/limits.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <set>

namespace entrepot::backup {

using repository::PointKind;
using repository::PointSummary;

namespace {

std::vector<DiskPlan> plan_disks(std::vector<ExportedDisk> exported, const Base& base) {
    std::vector<DiskPlan> disks;
    for (ExportedDisk& disk : exported) {
        repository::DiskDraft draft;
        draft.index = static_cast<std::uint32_t>(disks.size());
        draft.id = disk.virtual_disk_id.empty() ? fmt::format("disk-{}", draft.index)
                                                : disk.virtual_disk_id;
        disks.push_back(plan_disk(std::move(disk), std::move(draft), base));
    }
    return disks;
}

/// The VM's files, once each, without those that are too large to be configuration.
std::vector<ExportFile> configuration_files(const ExportFiles& files, jobs::JobContext& job) {
    std::vector<ExportFile> kept;
    std::set<std::string> names;
    for (const auto* list : {&files.configurations, &files.others_of_vm}) {
        for (const ExportFile& file : *list) {
            if (kept.size() == limits::kConfigurationFilesMax) break;
            if (file.size_bytes > limits::kConfigurationFileBytesMax) {
                job.warn(fmt::format("{} is too large for a configuration file and is left out",
                                     file.relative_name));
            } else if (names.insert(file.relative_name).second) {
                kept.push_back(file);
            }
        }
    }
    return kept;
}

/// Disks of the base that nobody gave images for: they are not in the new point.
std::vector<repository::SkippedDisk> missing_disks(const PointSummary& base,
                                                   const std::vector<DiskPlan>& disks) {
    std::vector<repository::SkippedDisk> skipped;
    for (const auto& before : base.disks) {
        const bool is_there =
            std::any_of(disks.begin(), disks.end(), [&before](const DiskPlan& disk) {
                return disk.base_index == before.draft.index || disk.draft.id == before.draft.id;
            });
        if (!is_there) {
            skipped.push_back({before.draft.name,
                               "it is in the base point, and no image of it "
                               "was given"});
        }
    }
    return skipped;
}

repository::PointDraft make_draft(const Json& parameters, const std::vector<DiskPlan>& disks,
                                  const std::optional<PointSummary>& base,
                                  const std::string& job_id) {
    repository::PointDraft draft;
    draft.vm_id = parameters.at("vm");
    draft.vm_name = draft.vm_id;
    draft.host_facts = {{"job_id", job_id}};
    if (base && base->draft.vm_name == draft.vm_name) draft.vm_id = base->draft.vm_id;
    if (uses_base(disks)) {
        draft.kind = PointKind::incremental;
        draft.base_point = base->id;
        draft.reason = fmt::format("images that were made from point {}", base->id);
        draft.host_facts["reason_code"] = "ingest_on_base";
    } else {
        draft.kind = PointKind::full;
        draft.reason = "complete images";
        draft.host_facts["reason_code"] = "ingest";
    }
    if (base) draft.skipped = missing_disks(*base, disks);
    return draft;
}

}  // namespace

jobs::JobOutcome run_ingest(const Services& services, jobs::JobContext& job) {
    const SteadyTime begin = services.clock.steady_now();
    const Json& parameters = job.parameters();
    std::vector<std::filesystem::path> paths;
    for (const Json& path : parameters.at("paths"))
        paths.emplace_back(path.get<std::string>());

    job.enter_stage("settle");
    const ExportFiles files = find_named_files(services.file_system, paths);
    std::optional<PointSummary> base_point;
    std::unique_ptr<repository::PointReader> pin;  // While it lives, the base's content stays.
    Base base{nullptr, Voucher::nobody, make_image_lookup(services.repository)};
    const std::string base_text = parameters.value("base", "");
    if (!base_text.empty()) {
        base_point = services.repository.find_point(base_text);
        pin = services.repository.open_point(base_point->id);
        base.point = &*base_point;
    }
    IngestPlan plan;
    plan.disks = plan_disks(open_exported_disks(services.file_system, files.images), base);
    plan.files = configuration_files(files, job);
    plan.draft = make_draft(parameters, plan.disks, base_point, job.id());
    plan.wants_sha256 = parameters.value("sha256", false);

    job.enter_stage("ingest");
    const auto writer = write_point(
        {services.repository, services.file_system, services.ingest_limit}, plan, job.work());
    job.enter_stage("commit");
    const PointSummary point = writer->commit();
    job.note(fmt::format("point {} is committed", point.id));
    jobs::JobOutcome outcome;
    outcome.result = point_result(point);
    const auto elapsed = services.clock.steady_now() - begin;
    outcome.result["seconds"] = std::chrono::duration<double>(elapsed).count();
    outcome.result["warnings"] = Json::array();
    return outcome;
}

}  // namespace entrepot::backup
