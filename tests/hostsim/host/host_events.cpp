// Every event is marked as made by "ctl": audit shows it as foreign.
#include "tests/hostsim/host/host_events.h"

#include "base/clock.h"
#include "tests/hostsim/disk/file_handle.h"
#include "tests/hostsim/host/names.h"
#include "tests/hostsim/host/snapshot_operations.h"

#include <algorithm>
#include <string_view>

namespace entrepot::hostsim {
namespace {

constexpr const char* kForeign = "ctl";
/// Sorts before every other job: whoever takes the first one takes this.
constexpr std::string_view kForeignExport = "00000000";
constexpr std::uint32_t kExportJob = 62;
constexpr std::chrono::milliseconds kForeignPoll{10};

Vm make_foreign_vm(Host& host, const std::string& id, const std::string& name) {
    Vm vm;
    vm.id = id;
    vm.name = name;
    vm.state = "off";
    vm.configured = host.now();
    vm.created_by = kForeign;
    return vm;
}

/// The name that a client would look for; another product's VM may well have the same.
std::string name_of(Host& host, const std::string& id) {
    const Vm* vm = host.model().find_owner(id);
    return vm != nullptr ? vm->name : std::string{"Imported by another product"};
}

void add_foreign_snapshot(Host& host, const std::string& vm_id) {
    SnapshotRequest request;
    request.vm_id = vm_id;
    request.created_by = kForeign;
    take_snapshot(host, request, [] {});
}

void add_foreign_point(Host& host, const std::string& vm_id) {
    SnapshotRequest request;
    request.vm_id = vm_id;
    request.created_by = kForeign;
    convert_snapshot(host, take_snapshot(host, request, [] {}), kForeign, [] {});
}

/// Removes the VM: moved to another host, or deleted there by hand.
void remove_vm(Host& host, const std::string& id) {
    std::erase_if(host.model().vms, [&](const Vm& vm) { return vm.id == id; });
    host.forget_vm(id);
}

void add_disk(Host& host, Vm& vm) {
    VmDisk disk;
    for (const VmDisk& other : vm.disks) {
        disk.number = std::max(disk.number, other.number + 1);
        disk.location = std::max(disk.location, other.location + 1);
    }
    disk.raw = host.state_path("disks/" + host.make_id() + ".raw");
    FileHandle{disk.raw, FileHandle::Mode::create}.truncate(8 * kMiB);
    disk.disk_id = host.make_guid();
    disk.set_medium("C:\\ClusterStorage\\Volume1\\added\\" + vm.name + "-added.vhdx");
    vm.disks.push_back(disk);
}

void change_vm(Host& host, const std::string& kind, const std::string& id) {
    if (kind == "checkpointed") {
        SnapshotRequest request;
        request.vm_id = id;
        request.kind = SnapshotKind::user;
        request.created_by = kForeign;
        take_snapshot(host, request, [] {});
        return;
    }
    const std::lock_guard lock{host.mutex()};
    Vm* vm = host.model().find_vm(id);
    if (vm == nullptr) return;
    vm->configured = host.now();
    if (kind == "moved" || kind == "deleted") {
        remove_vm(host, id);
    } else if (kind == "renamed") {
        vm->name += " (renamed)";
    } else if (kind == "disk-added") {
        add_disk(host, *vm);
    } else if (kind == "disk-removed" && !vm->disks.empty()) {
        vm->disks.pop_back();
    } else if (kind == "resized" && !vm->disks.empty()) {
        FileHandle file{vm->disks.front().raw, FileHandle::Mode::read_write};
        file.truncate(file.size() + kMiB);
    }
    host.save();
}

bool has_running_export(Host& host, const std::string& vm_id) {
    const std::lock_guard lock{host.mutex()};
    const auto& jobs = host.model().jobs;
    return std::any_of(jobs.begin(), jobs.end(), [&](const auto& entry) {
        const Job& job = entry.second;
        return job.type == kExportJob && same_name(job.vm_id, vm_id) && !job.is_terminal() &&
               !job.id.starts_with(kForeignExport);
    });
}

}  // namespace

void add_foreign_object(Host& host, const std::string& method, const std::string& vm_id) {
    if (method.ends_with("Snapshot")) return add_foreign_snapshot(host, vm_id);
    if (method.ends_with("ReferencePoint")) return add_foreign_point(host, vm_id);
    const std::lock_guard lock{host.mutex()};
    const Vm vm = make_foreign_vm(host, host.make_id(), name_of(host, vm_id));
    auto& list = method == "RealizePlannedSystem" ? host.model().vms : host.model().planned;
    list.push_back(vm);
    host.save();
}

JobPlan make_foreign_export(Host& host, const std::string& vm_id) {
    return {.type = kExportJob,
            .caption = "Exporting Virtual Machine",
            .vm_id = vm_id,
            .work =
                [vm_id](JobContext& job) {
                    while (has_running_export(job.host(), vm_id)) {
                        job.check_cancelled();
                        SystemClock{}.sleep_for(kForeignPoll, job.stop());
                    }
                    throw JobFailure{0x80070005, "General access denied error."};
                },
            .id = std::string{kForeignExport} + host.make_id().substr(kForeignExport.size())};
}

std::string add_foreign_planned(Host& host, const std::string& name) {
    const std::lock_guard lock{host.mutex()};
    host.model().planned.push_back(make_foreign_vm(host, host.make_id(), name));
    host.save();
    return host.model().planned.back().id;
}

void make_planned_events(JobContext& job, const JobPlan& plan) {
    Host& host = job.host();
    FaultPlan& faults = host.faults();
    if (plan.method != kExportMethod && faults.take("foreign-object", plan.method)) {
        add_foreign_object(host, plan.method, plan.vm_id);
    }
    if (const auto kind = faults.take("vm-event", plan.method)) change_vm(host, *kind, plan.vm_id);
    const bool vanishes = faults.take("planned-vanishes", plan.method).has_value();
    const bool has_twin = faults.take("same-id-appears", plan.method).has_value();
    if (!vanishes && !has_twin) return;
    const std::lock_guard lock{host.mutex()};
    if (has_twin) {
        host.model().vms.push_back(make_foreign_vm(host, plan.vm_id, name_of(host, plan.vm_id)));
    }
    if (vanishes) {
        std::erase_if(host.model().planned, [&](const Vm& vm) { return vm.id == plan.vm_id; });
    }
    host.save();
}

}  // namespace entrepot::hostsim
