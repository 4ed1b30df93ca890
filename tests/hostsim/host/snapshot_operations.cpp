// A snapshot is a copy of the raw file; a reference point remembers digests only.
#include "tests/hostsim/host/snapshot_operations.h"

#include "base/error.h"
#include "tests/hostsim/disk/digest_map.h"
#include "tests/hostsim/disk/file_handle.h"
#include "tests/hostsim/host/job_runner.h"
#include "tests/hostsim/host/names.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

namespace entrepot::hostsim {
namespace {

constexpr std::uint64_t kRecoveryGranule = 4096;

std::string stem_of(const std::string& file_name) {
    const std::size_t dot = file_name.rfind('.');
    return file_name.substr(0, dot);
}

/// "<name>_<GUID>.avhdx", where the name is that of the base.
std::string differencing_name(const VmDisk& disk, const std::string& guid) {
    return fmt::format("{}_{}.avhdx", stem_of(disk.chain.front()), guid);
}

std::string default_name(const Vm& vm, DateTime time) {
    const auto seconds = std::chrono::system_clock::to_time_t(
        std::chrono::time_point_cast<std::chrono::system_clock::duration>(time));
    return fmt::format("{} - ({:%m/%d/%Y - %H:%M:%S})", vm.name, fmt::gmtime(seconds));
}

/// What the guest's auto-recovery writes after an application-consistent snapshot, by seed.
void plan_recovery_writes(Host& host, FrozenDisk& frozen, std::uint64_t sequence,
                          std::uint32_t consistency, bool has_guest_vss) {
    const std::uint64_t seed = host.config().seed;
    if (seed == 0 || consistency != 1 || !has_guest_vss) return;
    const auto draw = [&](std::uint64_t n) {
        return noise_at(seed ^ (sequence << 32) ^ static_cast<std::uint64_t>(frozen.disk.number),
                        n * 8);
    };
    frozen.recovery_seed = draw(0);
    if (draw(1) % 3 == 0) return;
    const std::uint64_t granules = frozen.size_bytes / kRecoveryGranule;
    if (granules == 0) return;
    const std::uint64_t count = 4 + draw(2) % 12;
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t first = draw(3 + 2 * i) % granules;
        const std::uint64_t length = std::min(1 + draw(4 + 2 * i) % 8, granules - first);
        frozen.recovery_writes.push_back({first * kRecoveryGranule, length * kRecoveryGranule});
    }
    frozen.recovery_writes = normalise(std::move(frozen.recovery_writes));
}

Snapshot prepare_snapshot(Host& host, const SnapshotRequest& request) {
    const std::lock_guard lock{host.mutex()};
    const Vm* vm = host.model().find_vm(request.vm_id);
    if (vm == nullptr) throw JobFailure{0x80070490, "The virtual machine was not found."};
    Snapshot snapshot;
    snapshot.id = host.make_id();
    snapshot.vm_id = vm->id;
    snapshot.kind = request.kind;
    snapshot.consistency = request.consistency;
    snapshot.created = host.now();
    snapshot.name = request.name.empty() ? default_name(*vm, snapshot.created) : request.name;
    snapshot.created_by = request.created_by;
    snapshot.sequence = ++host.model().sequence;
    for (const VmDisk& disk : vm->disks) {
        if (!disk.can_be_frozen()) continue;
        FrozenDisk frozen;
        frozen.disk = disk;
        frozen.content = fmt::format("frozen/{}-{}.raw", snapshot.id, disk.number);
        frozen.data_write_guid = host.make_guid();
        snapshot.disks.push_back(std::move(frozen));
    }
    return snapshot;
}

void remove_files(Host& host, const Snapshot& snapshot) {
    for (const FrozenDisk& frozen : snapshot.disks) {
        std::filesystem::remove(host.state_path(frozen.content));
    }
}

void copy_disks(Host& host, Snapshot& snapshot, bool has_guest_vss, const CheckCancelled& check) {
    for (FrozenDisk& frozen : snapshot.disks) {
        const auto target = host.state_path(frozen.content);
        copy_sparse(frozen.disk.raw, target, [&](std::uint64_t) { check(); });
        frozen.size_bytes = std::filesystem::file_size(target);
        const std::uint32_t sector = frozen.disk.logical_sector_size;
        if (frozen.size_bytes == 0 || frozen.size_bytes % sector != 0) {
            throw JobFailure{0xC03A0014, "The size of the virtual hard disk is not valid."};
        }
        plan_recovery_writes(host, frozen, snapshot.sequence, snapshot.consistency, has_guest_vss);
    }
}

/// From now on the VM writes into a new differencing disk.
void commit_snapshot(Host& host, const Snapshot& snapshot) {
    const std::lock_guard lock{host.mutex()};
    Vm* vm = host.model().find_vm(snapshot.vm_id);
    if (vm == nullptr) throw JobFailure{0x80070490, "The virtual machine was not found."};
    for (VmDisk& disk : vm->disks) {
        if (disk.can_be_frozen()) disk.chain.push_back(differencing_name(disk, snapshot.id));
    }
    if (snapshot.kind == SnapshotKind::user) {
        vm->current_snapshot = snapshot.id;
        vm->configured = host.now();
    }
    host.model().snapshots.push_back(snapshot);
    host.save();
}

/// The differencing disk of a snapshot that is gone merges into what is below it.
void begin_merge(Host& host, Vm& vm, const std::string& snapshot_id, bool is_endless) {
    for (const VmDisk& disk : vm.disks) {
        if (disk.can_be_frozen()) vm.merging.push_back(differencing_name(disk, snapshot_id));
    }
    vm.merge_ends.reset();
    if (!is_endless) vm.merge_ends = host.now() + host.config().speed.merge;
}

void remove_snapshot(Host& host, const std::string& id, const char* method) {
    const Snapshot* found = host.model().find_snapshot(id);
    if (found == nullptr) throw JobFailure{0x80070490, "The snapshot was not found."};
    const Snapshot snapshot = *found;
    std::erase_if(host.model().snapshots, [&](const Snapshot& item) { return item.id == id; });
    if (Vm* vm = host.model().find_vm(snapshot.vm_id)) {
        begin_merge(host, *vm, id, host.faults().take("endless-merge", method).has_value());
        if (vm->current_snapshot == id) vm->current_snapshot.clear();
        if (vm->last_applied_snapshot == id) vm->last_applied_snapshot.clear();
    }
    remove_files(host, snapshot);
    host.save();
}

ReferencePoint make_point(Host& host, const Snapshot& snapshot, const std::string& created_by) {
    Vm* vm = host.model().find_vm(snapshot.vm_id);
    if (vm == nullptr) throw JobFailure{0x80070490, "The virtual machine was not found."};
    ReferencePoint point;
    point.id = host.make_id();
    point.vm_id = vm->id;
    point.consistency = snapshot.consistency;
    point.sequence = snapshot.sequence;
    point.created_by = created_by;
    ++vm->rct_counter;
    const bool is_empty =
        host.faults().take("empty-rct-ids", "ConvertToReferencePoint").has_value();
    for (const FrozenDisk& frozen : snapshot.disks) {
        TrackedDisk tracked;
        tracked.number = frozen.disk.number;
        tracked.disk_id = frozen.disk.disk_id;
        tracked.instance_id = disk_instance_id(vm->id, *vm, frozen.disk);
        const std::string guid = frozen.disk.disk_id.to_string();
        if (!is_empty) tracked.rct_id = fmt::format("rctX:{}:{:08x}", guid, vm->rct_counter);
        std::replace(tracked.rct_id.begin(), tracked.rct_id.end(), '-', ':');
        tracked.digests = fmt::format("tracking/{}-{}", point.id, frozen.disk.number);
        tracked.size_bytes = frozen.size_bytes;
        tracked.exported = frozen.exported.value_or(
            ExportedImages{frozen.disk.chain.back(), frozen.data_write_guid, {}, {}, {}});
        point.disks.push_back(std::move(tracked));
    }
    return point;
}

}  // namespace

std::string take_snapshot(Host& host, const SnapshotRequest& request, const CheckCancelled& check) {
    Snapshot snapshot = prepare_snapshot(host, request);
    bool has_guest_vss = false;
    {
        const std::lock_guard lock{host.mutex()};
        const Vm* vm = host.model().find_vm(request.vm_id);
        has_guest_vss = vm != nullptr && vm->has_guest_vss && vm->state == "running";
    }
    if (request.consistency == 1 && !has_guest_vss) {
        throw JobFailure{0x800423F4, "The guest could not be quiesced."};
    }
    try {
        copy_disks(host, snapshot, has_guest_vss, check);
        commit_snapshot(host, snapshot);
    } catch (...) {
        remove_files(host, snapshot);
        throw;
    }
    return snapshot.id;
}

void destroy_snapshot_object(Host& host, const std::string& id) {
    const std::lock_guard lock{host.mutex()};
    remove_snapshot(host, id, "DestroySnapshot");
}

std::string convert_snapshot(Host& host, const std::string& id, const std::string& created_by,
                             const CheckCancelled& check) {
    Snapshot snapshot;
    ReferencePoint point;
    {
        const std::lock_guard lock{host.mutex()};
        const Snapshot* found = host.model().find_snapshot(id);
        if (found == nullptr) throw JobFailure{0x80070490, "The snapshot was not found."};
        snapshot = *found;
        point = make_point(host, snapshot, created_by);
    }
    for (std::size_t i = 0; i < snapshot.disks.size(); ++i) {
        const FrozenDisk& frozen = snapshot.disks[i];
        // Without the auto-recovery writes: the guest's live disk never had them.
        const RawContent content{host.state_path(frozen.content), frozen.size_bytes};
        // A disk cannot be written in less than a sector.
        const std::uint32_t granularity =
            std::max(host.config().tracking_granularity_bytes, frozen.disk.logical_sector_size);
        write_digests(content, granularity, host.state_path(point.disks[i].digests), check);
    }
    const std::lock_guard lock{host.mutex()};
    host.model().reference_points.push_back(point);
    remove_snapshot(host, id, "ConvertToReferencePoint");
    return point.id;
}

void apply_checkpoint(Host& host, const std::string& id) {
    const std::lock_guard lock{host.mutex()};
    const Snapshot* snapshot = host.model().find_snapshot(id);
    if (snapshot == nullptr || snapshot->kind != SnapshotKind::user) {
        throw Error{ErrorCode::not_found, fmt::format("no user checkpoint {}", id)};
    }
    Vm* vm = host.model().find_vm(snapshot->vm_id);
    if (vm == nullptr) throw Error{ErrorCode::not_found, "the checkpoint's VM is gone"};
    for (const FrozenDisk& frozen : snapshot->disks) {
        overwrite_sparse(host.state_path(frozen.content), frozen.disk.raw);
    }
    for (ReferencePoint& point : host.model().reference_points) {
        if (point.vm_id == vm->id && point.sequence > snapshot->sequence) point.is_invalid = true;
    }
    vm->last_applied_snapshot = id;
    vm->current_snapshot = id;
    vm->configured = host.now();
    host.save();
}

void drop_reference_point(Host& host, const std::string& id) {
    const std::lock_guard lock{host.mutex()};
    const ReferencePoint* point = host.model().find_reference_point(id);
    if (point == nullptr) throw JobFailure{0x80070490, "The reference point was not found."};
    for (const TrackedDisk& disk : point->disks) {
        std::filesystem::remove(host.state_path(disk.digests));
    }
    std::erase_if(host.model().reference_points,
                  [&](const ReferencePoint& item) { return item.id == id; });
    host.save();
}

}  // namespace entrepot::hostsim
