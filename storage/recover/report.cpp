// Names come from hosts: what is shown to a terminal holds no control characters.
#include "storage/recover/report.h"

#include <fmt/format.h>

namespace entrepot::recover {
namespace {

constexpr std::chrono::milliseconds kDrawInterval{250};
constexpr std::size_t kLostShownMax = 20;

std::string gib(std::uint64_t bytes) {
    return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / static_cast<double>(kGiB));
}

Json disk_json(const repository::DiskSummary& disk) {
    return {{"index", disk.draft.index},
            {"id", disk.draft.id},
            {"name", disk.draft.name},
            {"size_bytes", disk.draft.size_bytes}};
}

Json point_json(const FoundPoint& point) {
    Json json{{"id", point.id}};
    json["problem"] = point.problem.empty() ? Json{} : Json(point.problem);
    if (!point.summary) return json;
    const repository::PointSummary& summary = *point.summary;
    json["vm"] = {{"id", summary.draft.vm_id}, {"name", summary.draft.vm_name}};
    json["time"] = format_time(summary.time);
    json["kind"] = repository::to_string(summary.draft.kind);
    json["disks"] = Json::array();
    for (const repository::DiskSummary& disk : summary.disks) {
        json["disks"].push_back(disk_json(disk));
    }
    return json;
}

}  // namespace

Json points_json(const std::vector<FoundPoint>& points) {
    Json list = Json::array();
    for (const FoundPoint& point : points)
        list.push_back(point_json(point));
    return {{"points", list}};
}

void print_points(std::ostream& out, const std::vector<FoundPoint>& points) {
    if (points.empty()) {
        out << "No recovery points.\n";
        return;
    }
    Table table{{{"POINT"},
                 {"VM"},
                 {"TIME"},
                 {"KIND"},
                 {"DISKS", Align::right},
                 {"SIZE", Align::right},
                 {"PROBLEM"}}};
    for (const FoundPoint& point : points) {
        if (!point.summary) {
            table.add_row({point.id, "?", "?", "?", "?", "?", point.problem});
            continue;
        }
        const repository::PointSummary& summary = *point.summary;
        std::uint64_t size_bytes = 0;
        for (const repository::DiskSummary& disk : summary.disks)
            size_bytes += disk.draft.size_bytes;
        table.add_row({point.id, summary.draft.vm_name, format_time(summary.time),
                       std::string{repository::to_string(summary.draft.kind)},
                       std::to_string(summary.disks.size()), gib(size_bytes), point.problem});
    }
    table.print(out);
}

Json restored_json(const RestoredDisk& restored) {
    Json lost = Json::array();
    for (const LostRange& range : restored.lost) {
        lost.push_back(
            {{"offset", range.offset}, {"length", range.length}, {"reason", range.reason}});
    }
    return {{"point", restored.point.id},
            {"disk", restored.index},
            {"target", restored.target.string()},
            {"size_bytes", restored.point.disks[restored.index].draft.size_bytes},
            {"lost", lost}};
}

void print_restored(std::ostream& out, const RestoredDisk& restored) {
    out << fmt::format("Disk {} of point {} ({}, {}) is in {}\n", restored.index, restored.point.id,
                       printable(restored.point.draft.vm_name), format_time(restored.point.time),
                       restored.target.string());
    if (restored.lost.empty()) return;
    std::uint64_t lost_bytes = 0;
    for (const LostRange& range : restored.lost)
        lost_bytes += range.length;
    out << fmt::format("LOST: {} bytes in {} ranges could not be read and are zeros:\n", lost_bytes,
                       restored.lost.size());
    for (std::size_t i = 0; i < std::min(restored.lost.size(), kLostShownMax); ++i) {
        const LostRange& range = restored.lost[i];
        out << fmt::format("  {} bytes at {}: {}\n", range.length, range.offset, range.reason);
    }
    if (restored.lost.size() > kLostShownMax) out << "  ... --json lists them all\n";
}

void ProgressLine::report(std::string_view phase, std::uint64_t done_bytes,
                          std::uint64_t total_bytes) {
    const SteadyTime now = clock_.steady_now();
    if (!is_shown_ || (is_drawn_ && now - drawn_ < kDrawInterval)) return;
    drawn_ = now;
    is_drawn_ = true;
    const std::uint64_t percent = total_bytes == 0 ? 0 : done_bytes * 100 / total_bytes;
    err_ << fmt::format("\r\x1b[K{} {} % of {}", phase, percent, gib(total_bytes)) << std::flush;
}

void ProgressLine::clear() {
    if (is_drawn_) err_ << "\r\x1b[K" << std::flush;
    is_drawn_ = false;
}

}  // namespace entrepot::recover
