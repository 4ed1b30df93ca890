// The rules of the architecture, section 3, "plan"; see base_choice.h.
#include "appliance/backup/base_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace entrepot::backup {

using repository::DiskSummary;
using repository::PointKind;
using repository::PointSummary;

namespace {

constexpr const char* kFullEveryCode = "full_every";

struct Refusal {
    std::string code;
    std::string reason;
};

std::string without_first_component(const std::string& instance_id) {
    const std::size_t slash = instance_id.find('\\');
    return slash == std::string::npos ? instance_id : instance_id.substr(slash + 1);
}

const hyperv::ReferencePoint* find_reference_point(const hyperv::Vm& vm, const std::string& id) {
    for (const hyperv::ReferencePoint& candidate : vm.reference_points) {
        if (candidate.instance_id == id) return &candidate;
    }
    return nullptr;
}

std::optional<Refusal> check_reference_point(const BaseQuestion& question,
                                             const PointSummary& point) {
    if (point.draft.reference_point.empty()) {
        return Refusal{
            "no_reference_point",
            fmt::format("point {} has no reference point on the host: {}", point.id,
                        point.draft.host_facts.value("no_reference_reason", "none was made"))};
    }
    const auto* reference = find_reference_point(question.vm, point.draft.reference_point);
    if (reference == nullptr) {
        return Refusal{
            "reference_point_gone",
            fmt::format("the reference point of point {} is no longer on the host", point.id)};
    }
    if (reference->type != 2) {
        return Refusal{"reference_point_type",
                       fmt::format("the reference point is of type {}, not of resilient change "
                                   "tracking",
                                   reference->type)};
    }
    const bool is_paired = reference->disk_ids.size() == reference->rct_ids.size();
    const bool has_empty = std::any_of(reference->rct_ids.begin(), reference->rct_ids.end(),
                                       [](const std::string& id) { return id.empty(); });
    if (!is_paired || has_empty) {
        return Refusal{"reference_point_incomplete",
                       fmt::format("the reference point names {} disks and {} tracking ids{}",
                                   reference->disk_ids.size(), reference->rct_ids.size(),
                                   has_empty ? ", one of them empty" : "")};
    }
    for (const ExpectedDisk& disk : question.disks) {
        const bool is_tracked = std::any_of(
            reference->disk_ids.begin(), reference->disk_ids.end(),
            [&disk](const std::string& id) { return without_first_component(id) == disk.slot_id; });
        if (!is_tracked) {
            return Refusal{"disk_not_tracked",
                           fmt::format("the reference point does not track disk {} ({})",
                                       disk.index, disk.path)};
        }
    }
    return std::nullopt;
}

const DiskSummary* find_by_slot(const PointSummary& point, const std::string& slot_id) {
    for (const DiskSummary& disk : point.disks) {
        if (disk.draft.host_disk_id == slot_id) return &disk;
    }
    return nullptr;
}

std::optional<Refusal> check_disk(const ExpectedDisk& disk, const PointSummary& point) {
    const DiskSummary* before = find_by_slot(point, disk.slot_id);
    if (before == nullptr) {
        return Refusal{"disk_added", fmt::format("disk {} ({}) is new since point {}", disk.index,
                                                 disk.path, point.id)};
    }
    if (!disk.virtual_disk_id.empty() && before->draft.id != disk.virtual_disk_id) {
        return Refusal{"disk_replaced", fmt::format("disk {} was {} and is now {}", disk.index,
                                                    before->draft.id, disk.virtual_disk_id)};
    }
    if (disk.size_bytes != 0 && before->draft.size_bytes != disk.size_bytes) {
        return Refusal{"disk_resized",
                       fmt::format("disk {} had {} bytes and has now {}", disk.index,
                                   before->draft.size_bytes, disk.size_bytes)};
    }
    if (disk.logical_sector_size != 0 &&
        before->draft.logical_sector_size != disk.logical_sector_size) {
        return Refusal{"sector_size_changed",
                       fmt::format("disk {} had sectors of {} bytes and has now {}", disk.index,
                                   before->draft.logical_sector_size, disk.logical_sector_size)};
    }
    return std::nullopt;
}

std::optional<Refusal> check_disks(const BaseQuestion& question, const PointSummary& point) {
    for (const ExpectedDisk& disk : question.disks) {
        if (auto refusal = check_disk(disk, point)) return refusal;
    }
    if (point.disks.size() != question.disks.size()) {
        return Refusal{"disk_removed",
                       fmt::format("point {} has {} disks, the VM has now {}", point.id,
                                   point.disks.size(), question.disks.size())};
    }
    return std::nullopt;
}

std::optional<Refusal> check_checkpoints(const BaseQuestion& question, const PointSummary& point) {
    const Json& facts = point.draft.host_facts;
    if (facts.value("last_applied_snapshot", "") != question.vm.last_applied_snapshot) {
        return Refusal{"checkpoint_applied",
                       fmt::format("a checkpoint was applied since point {}: the guest went back "
                                   "in time",
                                   point.id)};
    }
    if (facts.value("current_snapshot", "") != question.vm.current_snapshot) {
        return Refusal{
            "checkpoint_changed",
            fmt::format("the checkpoint that the VM is based on changed since point {}", point.id)};
    }
    // Applying the same checkpoint again changes neither, but the VM writes to a new file then.
    const bool has_checkpoint =
        std::any_of(question.vm.snapshots.begin(), question.vm.snapshots.end(),
                    [](const hyperv::Snapshot& snapshot) { return !snapshot.is_recovery; });
    const Json disks = facts.value("disks", Json::object());
    for (const ExpectedDisk& disk : question.disks) {
        if (!has_checkpoint || disk.virtual_disk_id.empty()) continue;
        const Json before = disks.value(disk.virtual_disk_id, Json::object());
        if (before.value("path", disk.path) == disk.path) continue;
        return Refusal{"checkpoint_applied",
                       fmt::format("disk {} is another file of its checkpoint chain than at point "
                                   "{}",
                                   disk.index, point.id)};
    }
    return std::nullopt;
}

std::optional<Refusal> check_base(const BaseQuestion& question, const PointSummary& point) {
    if (point.has_known_damage) {
        return Refusal{"base_damaged",
                       fmt::format("point {}, the newest of this VM, is damaged", point.id)};
    }
    if (auto refusal = check_disks(question, point)) return refusal;
    if (auto refusal = check_checkpoints(question, point)) return refusal;
    return check_reference_point(question, point);
}

std::optional<Refusal> check_wishes(const BaseQuestion& question) {
    if (question.is_full_wanted) return Refusal{"requested", "a full backup was asked for"};
    if (!question.forced_full_reason.empty()) {
        return Refusal{"forced", question.forced_full_reason};
    }
    if (question.full_every == 0) return std::nullopt;
    std::uint32_t since_full = 0;
    for (auto point = question.points.rbegin(); point != question.points.rend(); ++point) {
        ++since_full;
        if (point->draft.kind == PointKind::full) break;
    }
    if (since_full < question.full_every) return std::nullopt;
    return Refusal{kFullEveryCode,
                   question.full_every == 1
                       ? "every backup is to be a full one"
                       : fmt::format("a full one is due every {} backups", question.full_every)};
}

ExportGoal full(Refusal why) {
    return {PointKind::full, std::move(why.reason), std::move(why.code), {}, {}};
}

/// The newest point that an increment can be based on; a full with the reason where there is none.
ExportGoal choose_base(const BaseQuestion& question) {
    std::optional<Refusal> newest;
    for (auto point = question.points.rbegin(); point != question.points.rend(); ++point) {
        auto refusal = check_base(question, *point);
        if (!refusal) {
            return {PointKind::incremental,
                    fmt::format("changes since point {}, whose reference point is on the host",
                                point->id),
                    "incremental", point->id, point->draft.reference_point};
        }
        // A damaged newest point must be healed by a full, however good an older base is.
        if (!newest) newest = std::move(refusal);
        if (newest->code == "base_damaged") break;
    }
    if (!question.lost_base_reason.empty() &&
        (newest->code == "reference_point_gone" || newest->code == "no_reference_point")) {
        return full({"base_deleted", question.lost_base_reason});
    }
    return full(*newest);
}

ComparisonPlan plan_comparison(const BaseQuestion& question) {
    const ExportGoal goal = choose_base(question);
    if (goal.kind == PointKind::incremental) return {goal, {}};
    return {{}, goal.reason};
}

}  // namespace

Choice choose_goal(const BaseQuestion& question) {
    if (question.points.empty()) {
        if (question.lost_base_reason.empty()) {
            return {full({"first", "this is the first backup of the VM"}), std::nullopt};
        }
        return {full({"base_deleted", question.lost_base_reason}), std::nullopt};
    }
    const auto wish = check_wishes(question);
    if (!wish) return {choose_base(question), std::nullopt};
    if (wish->code != kFullEveryCode) return {full(*wish), std::nullopt};
    return {full(*wish), plan_comparison(question)};
}

}  // namespace entrepot::backup
