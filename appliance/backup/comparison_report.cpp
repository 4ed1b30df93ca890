// See comparison_report.h.
#include "appliance/backup/comparison_report.h"

#include "base/bytes.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::backup {
namespace {

constexpr const char* kAgrees = "agrees";
constexpr const char* kDisagrees = "disagrees";
constexpr std::size_t kNamedPointsMax = 8;

Json disk_json(const DiskReport& disk) {
    Json json{{"index", disk.index},      {"id", disk.id},         {"name", disk.name},
              {"result", "not_compared"}, {"reason", disk.reason}, {"compared_bytes", 0},
              {"disagreeing_bytes", 0},   {"discarded_bytes", 0},  {"ranges", Json::array()},
              {"range_count", 0}};
    if (!disk.comparison) return json;
    const DiskComparison& comparison = *disk.comparison;
    json["result"] = comparison.disagreeing_bytes == 0 ? kAgrees : kDisagrees;
    json["compared_bytes"] = comparison.compared_bytes;
    json["disagreeing_bytes"] = comparison.disagreeing_bytes;
    json["discarded_bytes"] = comparison.discarded_bytes;
    json["range_count"] = comparison.range_count;
    for (const ByteRange& range : comparison.ranges) {
        json["ranges"].push_back({{"offset", range.offset}, {"length", range.length}});
    }
    return json;
}

/// Why nothing was compared although the host gave both exports.
std::string common_reason(const ComparisonReport& report) {
    return report.disks.empty() ? "there is no disk to compare" : report.disks.front().reason;
}

std::string describe_disk(const Json& disk) {
    const auto range_count = disk.at("range_count").get<std::uint64_t>();
    return fmt::format("disk {} ({}) in {} ({} {}, the first at byte {})",
                       disk.at("index").get<std::uint32_t>(), disk.at("name").get<std::string>(),
                       format_size(disk.at("disagreeing_bytes").get<std::uint64_t>()), range_count,
                       range_count == 1 ? "range" : "ranges",
                       disk.at("ranges").empty()
                           ? 0
                           : disk.at("ranges").front().at("offset").get<std::uint64_t>());
}

std::string describe_suspects(const Json& report) {
    const auto count = report.at("suspect_point_count").get<std::uint64_t>();
    if (count == 0) return "No increment was kept since the last full";
    const auto ids = report.at("suspect_points").get<std::vector<std::string>>();
    const std::size_t named = std::min(ids.size(), kNamedPointsMax);
    const std::string more = named < count ? fmt::format(" and {} older", count - named) : "";
    return fmt::format(
        "{} since the last full may be wrong there ({}{})",
        count == 1 ? "One increment" : fmt::format("{} increments", count),
        fmt::join(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(named), ", "), more);
}

std::string describe_disagreement(const Json& report) {
    std::vector<std::string> disks;
    for (const Json& disk : report.at("disks")) {
        if (disk.at("result") == kDisagrees) disks.push_back(describe_disk(disk));
    }
    return fmt::format(
        "THE FULL DISAGREES WITH THE INCREMENTS: {}. The host's change tracking left out what had "
        "changed. {}; this full is right. Restore from this full; look at the host for storage "
        "faults, filter drivers and crashes since then, and take fulls (--full) until the cause is "
        "found. `entrepot point show` lists the ranges.",
        fmt::join(disks, "; "), describe_suspects(report));
}

std::string describe_agreement(const Json& report) {
    std::uint64_t compared = 0;
    std::size_t left_out = 0;
    for (const Json& disk : report.at("disks")) {
        compared += disk.at("compared_bytes").get<std::uint64_t>();
        left_out += disk.at("result") == "not_compared" ? 1 : 0;
    }
    const std::string more =
        left_out == 0 ? "" : fmt::format("; {} of the disks could not be compared", left_out);
    return fmt::format("the full agrees with the increments: {} compared{}", format_size(compared),
                       more);
}

}  // namespace

Json to_json(const ComparisonReport& report) {
    Json disks = Json::array();
    bool has_disagreement = false;
    bool has_comparison = false;
    for (const DiskReport& disk : report.disks) {
        disks.push_back(disk_json(disk));
        has_comparison = has_comparison || disk.comparison.has_value();
        has_disagreement = has_disagreement || disks.back().at("result") == kDisagrees;
    }
    const bool is_possible = report.obstacle.empty() && has_comparison;
    std::string reason = report.obstacle;
    if (reason.empty() && !is_possible) reason = common_reason(report);
    Json json{{"result", !is_possible       ? "not_possible"
                         : has_disagreement ? kDisagrees
                                            : kAgrees},
              {"reason", reason},
              {"base_point", report.base_point.empty() ? Json{} : Json(report.base_point)},
              {"disks", disks},
              {"suspect_points", Json::array()},
              {"suspect_point_count", 0}};
    if (!has_disagreement) return json;
    json["suspect_points"] = report.suspect_points;
    json["suspect_point_count"] = report.suspect_point_count;
    return json;
}

std::string describe_comparison(const Json& report) {
    const std::string result = report.at("result");
    if (result == kDisagrees) return describe_disagreement(report);
    if (result == kAgrees) return describe_agreement(report);
    return "the full could not be compared with the increments: " +
           report.at("reason").get<std::string>();
}

bool is_agreement(const Json& report) {
    return report.is_object() && report.at("result") == kAgrees;
}

bool is_disagreement(const Json& report) {
    return report.is_object() && report.at("result") == kDisagrees;
}

Json comparison_of(const Json& host_facts) {
    return host_facts.value("comparison", Json{});
}

}  // namespace entrepot::backup
