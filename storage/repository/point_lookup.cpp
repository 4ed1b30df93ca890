// See point_lookup.h.
#include "storage/repository/point_lookup.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::repository {
namespace {

constexpr std::string_view kLatestSuffix = "@latest";
constexpr std::size_t kPrefixLengthMin = 4;
constexpr const char* kHint = "entrepot point list shows them";

}  // namespace

std::optional<std::string> vm_of_latest(std::string_view text) {
    if (!text.ends_with(kLatestSuffix)) return std::nullopt;
    return std::string{text.substr(0, text.size() - kLatestSuffix.size())};
}

PointSummary latest_point(const std::vector<PointSummary>& points, const std::string& vm) {
    if (vm.empty() || points.empty()) {
        throw Error{ErrorCode::not_found, fmt::format("there is no recovery point of VM '{}'", vm),
                    kHint};
    }
    const bool is_one_vm = std::ranges::all_of(points, [&](const PointSummary& point) {
        return point.draft.vm_id == points.front().draft.vm_id;
    });
    if (!is_one_vm) {
        throw Error{ErrorCode::invalid, fmt::format("several VMs are named '{}'", vm),
                    "give the VM's GUID"};
    }
    return points.back();
}

PointSummary point_by_id(const std::vector<PointSummary>& points, std::string_view text) {
    std::vector<const PointSummary*> found;
    for (const PointSummary& point : points) {
        if (point.id == text) return point;
        const bool is_prefix = text.size() >= kPrefixLengthMin && point.id.starts_with(text);
        if (is_prefix) found.push_back(&point);
    }
    if (found.empty()) {
        throw Error{ErrorCode::not_found, fmt::format("there is no recovery point '{}'", text),
                    kHint};
    }
    if (found.size() > 1) {
        throw Error{ErrorCode::invalid,
                    fmt::format("{} recovery points begin with '{}'", found.size(), text)};
    }
    return *found.front();
}

const DiskSummary& find_disk(const PointSummary& point, std::string_view text) {
    for (const auto& disk : point.disks) {
        if (text == std::to_string(disk.draft.index) || text == disk.draft.id) return disk;
    }
    throw Error{
        ErrorCode::not_found, fmt::format("point {} has no disk '{}'", point.id, text),
        fmt::format("It has {} disks, numbered from 0; `entrepot point show {}` lists them.",
                    point.disks.size(), point.id)};
}

}  // namespace entrepot::repository
