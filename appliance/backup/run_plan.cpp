// A run plan as JSON and back; see run_plan.h.
#include "appliance/backup/run_plan.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace entrepot::backup {

using repository::PointKind;

std::string_view to_string(ConsistencyPolicy policy) {
    switch (policy) {
        case ConsistencyPolicy::application:
            return "application";
        case ConsistencyPolicy::crash:
            return "crash";
        case ConsistencyPolicy::prefer_application:
            return "prefer-application";
    }
    return "";
}

ConsistencyPolicy consistency_policy_from(std::string_view name) {
    for (const auto policy : {ConsistencyPolicy::application, ConsistencyPolicy::crash,
                              ConsistencyPolicy::prefer_application}) {
        if (name == to_string(policy)) return policy;
    }
    throw Error{ErrorCode::usage, fmt::format("'{}' is no consistency", name),
                "It is one of application, crash, prefer-application."};
}

Json to_json(const ExportGoal& goal) {
    return {{"kind", repository::to_string(goal.kind)},
            {"reason", goal.reason},
            {"reason_code", goal.reason_code},
            {"base_point", goal.base_point},
            {"base_reference_point", goal.base_reference_point}};
}

ExportGoal export_goal_from(const Json& json) {
    ExportGoal goal;
    goal.kind = json.at("kind") == "full" ? PointKind::full : PointKind::incremental;
    goal.reason = json.at("reason");
    goal.reason_code = json.at("reason_code");
    goal.base_point = json.at("base_point");
    goal.base_reference_point = json.at("base_reference_point");
    return goal;
}

Json RunPlan::to_json() const {
    Json disk_list = Json::array();
    for (const ExpectedDisk& disk : disks) {
        disk_list.push_back({{"slot_id", disk.slot_id},
                             {"virtual_disk_id", disk.virtual_disk_id},
                             {"path", disk.path},
                             {"size_bytes", disk.size_bytes},
                             {"logical_sector_size", disk.logical_sector_size},
                             {"index", disk.index},
                             {"place", disk.place},
                             {"file_size_bytes", disk.file_size_bytes}});
    }
    Json skipped_list = Json::array();
    for (const repository::SkippedDisk& disk : skipped) {
        skipped_list.push_back({{"name", disk.name}, {"reason", disk.reason}});
    }
    Json compared;
    if (comparison) {
        compared = {{"goal", backup::to_json(comparison->goal)},
                    {"obstacle", comparison->obstacle}};
    }
    return {{"host_id", host_id},
            {"host_name", host_name},
            {"vm_id", vm_id},
            {"vm_name", vm_name},
            {"is_running", is_running},
            {"consistency", to_string(consistency)},
            {"goal", backup::to_json(goal)},
            {"comparison", compared},
            {"disks", disk_list},
            {"excluded_disk_ids", excluded_disk_ids},
            {"excluded_virtual_ids", excluded_virtual_ids},
            {"skipped", skipped_list},
            {"warnings", warnings},
            {"last_applied_snapshot", last_applied_snapshot},
            {"current_snapshot", current_snapshot},
            {"boot_time", boot_time},
            {"vm_facts", vm_facts}};
}

RunPlan RunPlan::from_json(const Json& json) {
    RunPlan plan;
    plan.host_id = json.at("host_id");
    plan.host_name = json.at("host_name");
    plan.vm_id = json.at("vm_id");
    plan.vm_name = json.at("vm_name");
    plan.is_running = json.at("is_running");
    plan.consistency = consistency_policy_from(json.at("consistency").get<std::string>());
    plan.goal = export_goal_from(json.at("goal"));
    const Json compared = json.value("comparison", Json{});
    if (compared.is_object()) {
        plan.comparison =
            ComparisonPlan{export_goal_from(compared.at("goal")), compared.at("obstacle")};
    }
    for (const Json& disk : json.at("disks")) {
        plan.disks.push_back({disk.at("slot_id"), disk.at("virtual_disk_id"), disk.at("path"),
                              disk.at("size_bytes"), disk.at("logical_sector_size"),
                              disk.at("index"), disk.value("place", ""),
                              disk.value("file_size_bytes", std::uint64_t{0})});
    }
    plan.excluded_disk_ids = json.at("excluded_disk_ids").get<std::vector<std::string>>();
    // Absent in what a version before wrote.
    plan.excluded_virtual_ids = json.value("excluded_virtual_ids", std::vector<std::string>{});
    for (const Json& disk : json.at("skipped")) {
        plan.skipped.push_back({disk.at("name"), disk.at("reason")});
    }
    plan.warnings = json.at("warnings").get<std::vector<std::string>>();
    plan.last_applied_snapshot = json.at("last_applied_snapshot");
    plan.current_snapshot = json.at("current_snapshot");
    plan.boot_time = json.at("boot_time");
    plan.vm_facts = json.value("vm_facts", Json::object());
    return plan;
}

std::string place_of(const hyperv::Disk& disk) {
    return fmt::format("{}:{}:{}", disk.controller, disk.controller_number, disk.location);
}

std::vector<hyperv::Disk> sorted_disks(std::vector<hyperv::Disk> disks) {
    const auto place = [](const hyperv::Disk& disk) {
        return std::tuple{disk.controller == "ide" ? 0 : 1, disk.controller_number, disk.location};
    };
    std::stable_sort(
        disks.begin(), disks.end(),
        [&place](const hyperv::Disk& a, const hyperv::Disk& b) { return place(a) < place(b); });
    return disks;
}

}  // namespace entrepot::backup
