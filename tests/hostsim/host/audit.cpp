// Lists what is left.
#include "tests/hostsim/host/audit.h"

#include "tests/hostsim/disk/vhdx_reader.h"
#include "tests/hostsim/host/host_files.h"

#include <fmt/format.h>

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

Json list_planned(const Model& model) {
    Json result = Json::array();
    for (const Vm& vm : model.planned) {
        result.push_back({{"id", vm.id},
                          {"name", vm.name},
                          {"definition_file", vm.definition_file},
                          {"foreign", vm.created_by != "wsman"}});
    }
    return result;
}

Json list_machines(const Model& model) {
    Json result = Json::array();
    for (const Vm& vm : model.vms) {
        result.push_back({{"id", vm.id}, {"name", vm.name}, {"foreign", vm.created_by == "ctl"}});
    }
    return result;
}

/// A disk that was imported: where it lies, and what its images and its guest hold.
Json describe_disk(Host& host, const VmDisk& disk) {
    const HostFiles files{host.config()};
    Json json{{"disk", disk.number},
              {"path", disk.base_path()},
              {"raw", disk.raw.string()},
              {"disk_id", disk.disk_id.to_upper_string()}};
    try {
        const ImageChain chain{disk.base_path(),
                               [&](const std::string& file) { return files.open(file); }};
        json["size"] = chain.size();
        json["images"] = chain.paths();
        json["sha256"] = digest_of(chain, {});
    } catch (const TargetFailure& failure) {
        json["sha256"] = nullptr;
        json["error"] = fmt::format("{} (0x{:08X})", failure.text, failure.hresult);
    }
    return json;
}

/// The VMs that were imported, with the SHA-256 of what the images of their disks hold.
Json describe_imported(Host& host, const std::vector<Vm>& vms) {
    Json result = Json::array();
    for (const Vm& vm : vms) {
        if (vm.created_by != "wsman") continue;
        Json disks = Json::array();
        for (const VmDisk& disk : vm.disks) {
            if (disk.is_imported) disks.push_back(describe_disk(host, disk));
        }
        Json adapters = Json::array();
        for (const NetworkAdapter& adapter : vm.adapters) {
            adapters.push_back({{"name", adapter.name},
                                {"mac", adapter.mac},
                                {"static_mac", adapter.is_static_mac},
                                {"connected", !adapter.switch_id.empty()},
                                {"switch", adapter.switch_name}});
        }
        result.push_back({{"id", vm.id},
                          {"name", vm.name},
                          {"state", vm.state},
                          {"definition_file", vm.definition_file},
                          {"disks", std::move(disks)},
                          {"adapters", std::move(adapters)}});
    }
    return result;
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
    std::unique_lock lock{host.mutex()};
    host.settle();
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
    Json result{{"snapshots", std::move(snapshots)},
                {"reference_points", std::move(points)},
                {"unmerged_disks", list_unmerged(model)},
                {"planned_vms", list_planned(model)},
                {"virtual_machines", list_machines(model)},
                {"jobs", std::move(jobs)},
                {"files", list_files(host)}};
    const std::vector<Vm> vms = model.vms;
    lock.unlock();
    result["imported_vms"] = describe_imported(host, vms);
    return result;
}

}  // namespace entrepot::hostsim
