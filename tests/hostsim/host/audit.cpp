// Lists what is left.
#include "tests/hostsim/host/audit.h"

#include <algorithm>

namespace entrepot::hostsim {
namespace {

Json list_files(Host& host) {
    Json files = Json::array();
    for (const char* folder : {"frozen", "tracking"}) {
        for (const auto& entry : std::filesystem::directory_iterator{host.state_path(folder)}) {
            files.push_back(std::string{folder} + "/" + entry.path().filename().string());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

Json list_unmerged(const Model& model) {
    Json result = Json::array();
    for (const Vm& vm : model.vms) {
        const auto checkpoints = std::count_if(
            model.snapshots.begin(), model.snapshots.end(), [&](const Snapshot& item) {
                return item.kind == SnapshotKind::user && item.vm_id == vm.id;
            });
        for (const VmDisk& disk : vm.disks) {
            // Checkpoints of people keep their own differencing disks.
            if (disk.chain.size() <= 1 + static_cast<std::size_t>(checkpoints)) continue;
            result.push_back({{"vm", vm.id},
                              {"disk", disk.number},
                              {"path", disk.active_path()},
                              {"merge_disabled", vm.is_merge_disabled}});
        }
    }
    return result;
}

}  // namespace

Json make_audit(Host& host) {
    const Model& model = host.model();
    Json snapshots = Json::array();
    for (const Snapshot& snapshot : model.snapshots) {
        snapshots.push_back(
            {{"id", snapshot.id},
             {"vm", snapshot.vm_id},
             {"name", snapshot.name},
             {"kind", snapshot.kind == SnapshotKind::recovery ? "recovery" : "user"},
             {"foreign", snapshot.created_by != "wsman"}});
    }
    Json points = Json::array();
    for (const ReferencePoint& point : model.reference_points) {
        points.push_back({{"id", point.id},
                          {"vm", point.vm_id},
                          {"invalid", point.is_invalid},
                          {"foreign", point.created_by != "wsman"}});
    }
    Json jobs = Json::array();
    for (const auto& [id, job] : model.jobs) {
        jobs.push_back({{"id", id}, {"type", job.type}, {"state", job.state}, {"vm", job.vm_id}});
    }
    return {{"snapshots", std::move(snapshots)},
            {"reference_points", std::move(points)},
            {"unmerged_disks", list_unmerged(model)},
            {"jobs", std::move(jobs)},
            {"files", list_files(host)}};
}

}  // namespace entrepot::hostsim
