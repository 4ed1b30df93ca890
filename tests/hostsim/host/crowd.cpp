// Ids come from numbers, so that a restart finds them again.
#include "tests/hostsim/host/crowd.h"

#include "tests/hostsim/host/host.h"
#include "tests/hostsim/host/names.h"

#include <fmt/format.h>

#include <set>

namespace entrepot::hostsim {
namespace {

constexpr int kSharedEvery = 10;
constexpr int kPassThroughEvery = 7;

VmDisk make_disk_of(const Vm& vm, int number) {
    VmDisk disk;
    disk.number = number;
    disk.location = number;
    disk.disk_id = guid_of(fmt::format("{}/disk/{}", vm.id, number));
    disk.directory = fmt::format("C:\\ClusterStorage\\Volume1\\{}\\Virtual Hard Disks", vm.name);
    disk.chain = {fmt::format("{}-{}.vhdx", vm.name, number)};
    return disk;
}

Vm make_member(Host& host, const CrowdConfig& crowd, int number) {
    Vm vm;
    vm.name = fmt::format("crowd-{:04}", number);
    vm.id = guid_of("crowd/" + vm.name).to_upper_string();
    vm.state = number % 3 == 0 ? "off" : "running";
    vm.generation = number % 4 == 0 ? 1 : 2;
    vm.configured = host.now();
    vm.notes = {fmt::format("Owner: department {}", number % 20)};
    vm.created_by = "config";
    for (int disk = 0; disk < crowd.disks; ++disk)
        vm.disks.push_back(make_disk_of(vm, disk));
    if (!vm.disks.empty() && number % kSharedEvery == 0) vm.disks.back().is_shared = true;
    if (!vm.disks.empty() && number % kPassThroughEvery == 0)
        vm.disks.back().is_pass_through = true;
    return vm;
}

/// Each is taken of the VM as the one before left it.
void add_checkpoints(Host& host, Vm& vm, int count) {
    for (int number = 0; number < count; ++number) {
        Snapshot snapshot;
        snapshot.id = guid_of(fmt::format("{}/checkpoint/{}", vm.id, number)).to_upper_string();
        snapshot.vm_id = vm.id;
        snapshot.name = fmt::format("{} - checkpoint {}", vm.name, number);
        snapshot.kind = SnapshotKind::user;
        snapshot.created = host.now();
        snapshot.created_by = "config";
        for (VmDisk& disk : vm.disks) {
            if (!disk.can_be_frozen()) continue;
            FrozenDisk frozen;
            frozen.disk = disk;
            snapshot.disks.push_back(std::move(frozen));
            const std::string stem = disk.chain.front().substr(0, disk.chain.front().rfind('.'));
            disk.chain.push_back(fmt::format("{}_{}.avhdx", stem, snapshot.id));
        }
        vm.current_snapshot = snapshot.id;
        host.model().snapshots.push_back(std::move(snapshot));
    }
}

}  // namespace

void add_crowd(Host& host) {
    const CrowdConfig& crowd = host.config().crowd;
    std::set<std::string> known{host.model().removed_vms.begin(), host.model().removed_vms.end()};
    for (const Vm& vm : host.model().vms)
        known.insert(vm.id);
    for (int number = 0; number < crowd.virtual_machines; ++number) {
        Vm vm = make_member(host, crowd, number);
        if (known.contains(vm.id)) continue;
        add_checkpoints(host, vm, crowd.checkpoints);
        host.model().vms.push_back(std::move(vm));
    }
}

}  // namespace entrepot::hostsim
