// What one backup run has decided to do; journalled whole, so that a later life goes on with it.
#pragma once

#include "exporter/hyperv/hyperv_host.h"
#include "storage/repository/repository.h"

#include "base/json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::backup {

/// A disk that the export must bring.
struct ExpectedDisk {
    std::string slot_id;
    std::string virtual_disk_id;  ///< Lower case; empty if the host could not say.
    std::string path;             ///< On the host.
    std::uint64_t size_bytes = 0;
    std::uint32_t logical_sector_size = 0;
    std::uint32_t index = 0;
    std::string place;                  ///< As place_of().
    std::uint64_t file_size_bytes = 0;  ///< Of its images on the host; 0: not known.
};

/// What an export is asked to hold. A run begins with one and may go over to a full.
struct ExportGoal {
    repository::PointKind kind = repository::PointKind::full;
    std::string reason;       ///< In words.
    std::string reason_code;  ///< Short, for tests and statistics: "first", "disk_added", ...
    std::string base_point;
    std::string base_reference_point;
};

/// What a full that --full-every forced is compared with: the changes that an increment would have
/// transferred, over its base.
struct ComparisonPlan {
    ExportGoal goal;       ///< An incremental; without a base point there is nothing to compare.
    std::string obstacle;  ///< Why there is nothing; empty otherwise.
};

enum class ConsistencyPolicy { application, crash, prefer_application };

std::string_view to_string(ConsistencyPolicy policy);
/// Throws Error{usage}.
ConsistencyPolicy consistency_policy_from(std::string_view name);

struct RunPlan {
    std::string host_id;
    std::string host_name;
    std::string vm_id;
    std::string vm_name;
    bool is_running = true;  ///< The VM; one that is off gives crash consistency.
    ConsistencyPolicy consistency = ConsistencyPolicy::prefer_application;
    ExportGoal goal;
    std::optional<ComparisonPlan> comparison;  ///< Only where --full-every forced a full.
    std::vector<ExpectedDisk> disks;
    std::vector<std::string> excluded_disk_ids;  ///< Instance ids for the export.
    /// Their VirtualDiskIds: a host that cannot leave disks out exports them all the same.
    std::vector<std::string> excluded_virtual_ids;
    std::vector<repository::SkippedDisk> skipped;
    std::vector<std::string> warnings;
    std::string last_applied_snapshot;
    std::string current_snapshot;
    std::string boot_time;
    Json vm_facts = Json::object();  ///< See vm_facts.h.

    Json to_json() const;
    static RunPlan from_json(const Json& json);
};

Json to_json(const ExportGoal& goal);
ExportGoal export_goal_from(const Json& json);

/// Where a disk is plugged in, "scsi:0:1": controller, its number, location. A host may give its
/// controllers new ids when it imports a VM; this stays.
std::string place_of(const hyperv::Disk& disk);

/// The disks of a VM in the order people see: IDE before SCSI, then by place.
std::vector<hyperv::Disk> sorted_disks(std::vector<hyperv::Disk> disks);

}  // namespace entrepot::backup
