// See kill_lab.h.
#include "tests/e2e/kill_lab.h"

#include "base/bytes.h"

#include <fmt/format.h>

#include <fstream>
#include <map>
#include <utility>

namespace entrepot::test {
namespace {

constexpr const char* kVm = "CCCCCCCC-0000-4000-8000-000000000003";

std::string text_of(const Json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

KillLab::KillLab(std::uint64_t seed)
    : random_(seed),
      disks_(make_disks()),
      simulator_(configuration(seed)),
      place_{directory_.path() / "data", simulator_.share(), "\\\\appliance\\exports",
             simulator_.connection(hyperv::Authentication::basic), kVm} {
    std::filesystem::create_directories(place_.data);
}

std::vector<KillLab::GuestDisk> KillLab::make_disks() {
    std::vector<GuestDisk> disks{
        {directory_.path() / "a.raw", 3 * kMiB + 64 * 1024 + 512, 512},  // No multiple of a chunk.
        {directory_.path() / "b.raw", 2 * kMiB + 4096, 4096}};
    for (const GuestDisk& disk : disks) {
        std::ofstream{disk.path, std::ios::binary};
        std::filesystem::resize_file(disk.path, disk.size_bytes);
    }
    return disks;
}

Json KillLab::configuration(std::uint64_t seed) const {
    Json disks = Json::array();
    for (const GuestDisk& disk : disks_) {
        disks.push_back({{"raw", disk.path.string()},
                         {"controller", "scsi"},
                         {"location", disks.size()},
                         {"format", "vhdx"},
                         {"logical_sector_size", disk.sector_bytes}});
    }
    const Json vm{{"id", kVm},          {"name", "db02"},    {"generation", 2}, {"version", "9.0"},
                  {"state", "running"}, {"guest_vss", true}, {"disks", disks}};
    return {{"seed", seed % 1'000'000 + 1},
            {"speed", {{"job_step_ms", 1}, {"merge_ms", 1}}},
            {"virtual_machines", Json::array({vm})}};
}

void KillLab::guest_writes() {
    for (const GuestDisk& disk : disks_) {
        std::fstream stream{disk.path, std::ios::in | std::ios::out | std::ios::binary};
        for (int i = 0; i < 4; ++i) {
            Bytes bytes(disk.sector_bytes * (1 + random_.u64() % 20));
            if (i < 3) random_.fill(bytes);  // And zeros once.
            const std::size_t sectors = (disk.size_bytes - bytes.size()) / disk.sector_bytes;
            stream.seekp(static_cast<std::streamoff>(random_.u64() % sectors * disk.sector_bytes));
            stream.write(reinterpret_cast<const char*>(bytes.data()),
                         static_cast<std::streamsize>(bytes.size()));
        }
    }
}

Told KillLab::live(Task task, const std::optional<KillPoint>& kill_point) {
    return test::live(place_, task, kill_point);
}

void KillLab::start_over() {
    control({"reference-point", "drop", kVm});
    std::filesystem::remove_all(place_.data);
    std::filesystem::create_directories(place_.data);
}

std::string KillLab::find_dirt() const {
    const Json audit = simulator_.control({"audit"});
    if (!audit.at("snapshots").empty()) return "snapshots: " + audit.at("snapshots").dump();
    if (!audit.at("unmerged_disks").empty()) {
        return "unmerged disks: " + audit.at("unmerged_disks").dump();
    }
    if (audit.at("reference_points").size() > 1) {
        return "reference points: " + audit.at("reference_points").dump();
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator{place_.share}) {
        if (entry.is_regular_file()) return entry.path().string() + " is left";
    }
    return {};
}

std::vector<Json> KillLab::read_exports() const {
    std::ifstream file{simulator_.share().parent_path() / "state" / "exports.jsonl"};
    std::vector<Json> exports;
    for (std::string line; std::getline(file, line);)
        exports.push_back(parse_json(line, "a line of exports.jsonl"));
    return exports;
}

std::string KillLab::find_difference(const Json& points) const {
    std::map<std::pair<std::string, std::string>, std::string> exported;
    for (const Json& line : read_exports()) {
        exported[{line.at("run"), text_of(line.at("disk"))}] = line.at("sha256");
    }
    for (const Json& point : points) {
        const std::string run = point.at("run");
        if (point.at("disks").size() != disks_.size()) {
            return fmt::format("the point of run {} has {} disks", run, point.at("disks").size());
        }
        for (const auto& [disk, digest] : point.at("disks").items()) {
            const auto found = exported.find({run, disk});
            if (found == exported.end())
                return fmt::format("run {} exported no disk {}", run, disk);
            if (found->second != digest) {
                return fmt::format("disk {} of run {} differs from the export", disk, run);
            }
        }
    }
    return {};
}

std::size_t KillLab::count_leaves() const {
    std::size_t count = 0;
    for (const Json& line : read_exports())
        count += line.at("leaf").get<bool>() ? 1 : 0;
    return count;
}

}  // namespace entrepot::test
