// The behaviour of fake_host.h.
#include "tests/unit/backup/fake_host.h"

#include "tests/unit/backup/memory_source.h"

#include "storage/disk/disk_image.h"
#include "storage/disk/disk_writer.h"
#include "storage/disk/image_chain.h"

#include "base/error.h"
#include "base/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace entrepot::test {

using hyperv::JobRef;
using hyperv::JobState;
using hyperv::JobStatus;

namespace {

constexpr std::uint32_t kRecoveryBytes = 4096;

template <typename List>
auto find_by_id(List& list, const std::string& id) {
    return std::find_if(list.begin(), list.end(),
                        [&id](const auto& entry) { return entry.instance_id == id; });
}

Bytes text_bytes(const std::string& text) {
    const ByteView view = as_bytes(text);
    return {view.begin(), view.end()};
}

}  // namespace

FakeHostWorld::FakeHostWorld(Clock& clock, FileSystem& file_system, Random& random, std::string unc,
                             std::filesystem::path share)
    : clock_(clock),
      file_system_(file_system),
      random_(random),
      unc_(std::move(unc)),
      share_(std::move(share)) {}

std::string FakeHostWorld::new_id() {
    return Guid::make_random(random_).to_upper_string();
}

std::string FakeHostWorld::add_disk(std::size_t size_bytes, std::uint32_t sector_size) {
    FakeDisk disk;
    disk.slot_id = fmt::format("F8B3781A-1E82-4818-A1C3-63D806EC15BB\\0\\{}\\L", disks.size());
    // All disks have one file name, as two disks from different folders may.
    disk.file_name = "disk.vhdx";
    disk.id = Guid::make_random(random_);
    disk.sector_size = sector_size;
    disk.content.resize(size_bytes);
    disks.push_back(disk);
    return disk.slot_id;
}

void FakeHostWorld::write(std::size_t disk, std::size_t offset, const Bytes& data) {
    std::copy(data.begin(), data.end(),
              disks.at(disk).content.begin() + static_cast<std::ptrdiff_t>(offset));
}

std::string FakeHostWorld::add_foreign_snapshot(const std::string& name) {
    snapshots.push_back({"Microsoft:" + new_id(), name, vm_id, true, host_time()});
    return snapshots.back().instance_id;
}

std::string FakeHostWorld::add_foreign_reference_point() {
    hyperv::ReferencePoint point;
    point.instance_id = "foreign-" + new_id();
    point.vm_id = vm_id;
    point.type = 2;
    reference_points.push_back(point);
    return point.instance_id;
}

JobRef FakeHostWorld::start(Job job) {
    JobRef ref;
    ref.class_name = "Msvm_ConcreteJob";
    ref.instance_id = new_id();
    job.polls_left = behaviour.polls_until_done;
    jobs_[ref.instance_id] = std::move(job);
    return ref;
}

JobRef FakeHostWorld::start_job(const std::string& kind, std::uint32_t hresult,
                                std::vector<std::string> affected) {
    Job job;
    job.kind = kind;
    job.hresult = hresult;
    job.is_failed = hresult != 0;
    job.affected = std::move(affected);
    return start(std::move(job));
}

std::vector<std::string> FakeHostWorld::affected_of(const JobRef& job,
                                                    const std::string& kind) const {
    const auto found = jobs_.find(job.instance_id);
    const bool is_told =
        found != jobs_.end() && found->second.kind == kind && !behaviour.forgets_affected;
    return is_told ? found->second.affected : std::vector<std::string>{};
}

std::vector<JobRef> FakeHostWorld::list_jobs(const std::string& kind, Which which) const {
    std::vector<JobRef> found;
    for (const auto& [id, job] : jobs_) {
        if (job.kind != kind || (which == Which::running && job.is_ended)) continue;
        JobRef ref;
        ref.class_name = "Msvm_ConcreteJob";
        ref.instance_id = id;
        found.push_back(ref);
    }
    return found;
}

void FakeHostWorld::create_snapshot(Job& job, const std::string& name) {
    const std::string id = "Microsoft:" + new_id();
    std::vector<FrozenDisk> frozen;
    for (const FakeDisk& disk : disks) {
        FrozenDisk copy;
        copy.slot_id = disk.slot_id;
        copy.base = disk.content;
        copy.restore = disk.content;
        if (behaviour.exports_leaf) {
            Bytes recovery(kRecoveryBytes);
            random_.fill(recovery);
            const std::size_t at = copy.restore.size() / 2 / kRecoveryBytes * kRecoveryBytes;
            std::copy(recovery.begin(), recovery.end(),
                      copy.restore.begin() + static_cast<std::ptrdiff_t>(at));
        }
        frozen.push_back(std::move(copy));
    }
    frozen_[id] = std::move(frozen);
    const std::string shown = behaviour.takes_no_name ? vm_name + " - Backup" : name;
    snapshots.push_back({id, shown, vm_id, true, host_time()});
    job.affected = {id};
}

void FakeHostWorld::write_disk_export(const std::filesystem::path& directory, FrozenDisk& frozen,
                                      const FakeDisk& disk, const FrozenDisk* base,
                                      const std::optional<OmittedChange>& omitted) {
    NullProgress progress;
    const Work work{progress};
    // Disks of one name come from different folders; their exports lie in different ones, too.
    const std::filesystem::path folder =
        directory / "Virtual Hard Disks" / disk.id.to_string().substr(0, 4);
    file_system_.make_directories(folder);
    Bytes told = frozen.base;
    if (base != nullptr && omitted) {
        const bool onto_leaf = behaviour.differential_onto_leaf && !base->leaf_file.empty();
        const Bytes& before = onto_leaf ? base->restore : base->base;
        std::copy_n(before.begin() + static_cast<std::ptrdiff_t>(omitted->offset), omitted->length,
                    told.begin() + static_cast<std::ptrdiff_t>(omitted->offset));
    }
    const MemorySource content{told, disk.sector_size};
    disk::WriteOptions options;
    options.virtual_disk_id = disk.id;
    options.physical_sector_size = 4096;
    std::unique_ptr<MemorySource> below;
    disk::ImageInfo below_info;
    if (base == nullptr) {
        frozen.base_file = disk.file_name;
        options.format = disk::TargetFormat::vhdx;
    } else {
        const bool onto_leaf = behaviour.differential_onto_leaf && !base->leaf_file.empty();
        frozen.base_file = fmt::format("disk_{}.AVHDX", new_id());
        below = std::make_unique<MemorySource>(onto_leaf ? base->restore : base->base,
                                               disk.sector_size);
        options.format = disk::TargetFormat::vhdx_diff;
        options.base = below.get();
        below_info.format = disk::ImageFormat::vhdx;
        below_info.logical_sector_size = disk.sector_size;
        below_info.size_bytes = disk.content.size();
        below_info.virtual_disk_id = disk.id;
        below_info.data_write_guid = behaviour.hides_linkage ? Guid::make_random(random_)
                                     : onto_leaf             ? base->leaf_guid
                                                             : base->base_guid;
        options.base_info = &below_info;
        options.base_file_name = behaviour.hides_parent_name ? "elsewhere.vhdx"
                                 : onto_leaf                 ? base->leaf_file
                                                             : base->base_file;
    }
    disk::write_disk(file_system_, random_, content, folder / frozen.base_file, options, work);
    const auto written = disk::open_vhdx(file_system_.open_read(folder / frozen.base_file));
    frozen.base_guid = written->info().data_write_guid;
    if (!behaviour.exports_leaf) return;
    frozen.leaf_file = fmt::format("disk_{}.avhdx", new_id());
    disk::WriteOptions leaf;
    leaf.format = disk::TargetFormat::vhdx_diff;
    leaf.virtual_disk_id = disk.id;
    leaf.base = &content;
    leaf.base_info = &written->info();
    leaf.base_file_name = frozen.base_file;
    disk::write_disk(file_system_, random_, MemorySource{frozen.restore, disk.sector_size},
                     folder / frozen.leaf_file, leaf, work);
    frozen.leaf_guid =
        disk::open_vhdx(file_system_.open_read(folder / frozen.leaf_file))->info().data_write_guid;
}

void FakeHostWorld::write_export(const hyperv::ExportRequest& request) {
    std::string relative = request.export_directory.substr(unc_.size());
    std::replace(relative.begin(), relative.end(), '\\', '/');
    const std::filesystem::path directory = share_ / relative.substr(1);
    auto& frozen = frozen_.at(request.snapshot_instance_id);
    expected_restore.clear();
    const std::size_t count = frozen.size() - (behaviour.omits_last_disk ? 1 : 0);
    for (std::size_t i = 0; i < count; ++i) {
        const bool is_excluded = std::any_of(
            request.excluded_disk_ids.begin(), request.excluded_disk_ids.end(),
            [&](const std::string& id) { return id.ends_with("\\" + frozen[i].slot_id); });
        if (is_excluded && !behaviour.exports_excluded) continue;
        const FrozenDisk* base = nullptr;
        if (!request.base_reference_point.empty() && !behaviour.sends_complete) {
            for (const FrozenDisk& candidate : frozen_.at(request.base_reference_point)) {
                if (candidate.slot_id == frozen[i].slot_id) base = &candidate;
            }
        }
        const bool is_omitting = behaviour.omits && behaviour.omits->disk == i;
        write_disk_export(directory, frozen[i], disks[i], base,
                          is_omitting ? behaviour.omits : std::nullopt);
        expected_restore[frozen[i].slot_id] = frozen[i].restore;
    }
    file_system_.make_directories(directory / "Virtual Machines");
    const auto file = file_system_.create(directory / "Virtual Machines" / (vm_id + ".vmcx"));
    // As Windows does, the configuration carries the snapshot's name.
    file->write(0, text_bytes(find_by_id(snapshots, request.snapshot_instance_id)->name));
    file_system_.create(directory / "Virtual Machines" / (vm_id + ".VMRS"))
        ->write(0, text_bytes("runtime state"));
}

void FakeHostWorld::convert(const std::string& snapshot_id, Job& job) {
    hyperv::ReferencePoint point;
    point.instance_id = fmt::format("RP-{}-{}", next_number_++, new_id());
    point.vm_id = vm_id;
    point.type = 2;
    for (const FrozenDisk& disk : frozen_.at(snapshot_id)) {
        point.disk_ids.push_back("Microsoft:" + vm_id + "\\" + disk.slot_id);
        point.rct_ids.push_back(fmt::format("rctX:{}", next_number_++));
    }
    frozen_[point.instance_id] = frozen_.at(snapshot_id);
    reference_points.push_back(point);
    snapshots.erase(find_by_id(snapshots, snapshot_id));
    job.affected = {point.instance_id};
}

template <typename Act>
auto FakeHost::observed(const char* call, const Act& act) {
    if (stop_.stop_requested()) throw Error{ErrorCode::cancelled, "cancelled"};
    observer_(call, Moment::before);
    if constexpr (std::is_void_v<decltype(act())>) {
        act();
        observer_(call, Moment::after);
    } else {
        auto result = act();
        observer_(call, Moment::after);
        return result;
    }
}

hyperv::Vm FakeHost::describe() const {
    hyperv::Vm vm;
    vm.id = world_.vm_id;
    vm.name = world_.vm_name;
    vm.state = world_.vm_state;
    vm.version = "9.0";
    vm.operational_status = {2};
    vm.snapshots = world_.snapshots;
    vm.reference_points = world_.reference_points;
    vm.last_applied_snapshot = world_.last_applied_snapshot;
    const bool is_split =
        !world_.snapshots.empty() || (world_.behaviour.never_merges && !world_.is_merge_enabled);
    for (const FakeDisk& disk : world_.disks) {
        hyperv::Disk shown;
        shown.slot_id = disk.slot_id;
        shown.instance_id = "Microsoft:" + world_.vm_id + "\\" + disk.slot_id;
        shown.path = std::string{"C:\\VMs\\"} + (is_split ? "disk_1234.avhdx" : disk.file_name);
        shown.controller = "scsi";
        shown.location = static_cast<std::uint32_t>(vm.disks.size());
        shown.virtual_disk_id = disk.id;
        shown.size_bytes = disk.content.size();
        shown.logical_sector_size = disk.sector_size;
        shown.cannot_back_up = disk.cannot_back_up;
        vm.disks.push_back(shown);
    }
    return vm;
}

hyperv::HostFacts FakeHost::read_facts() {
    return observed("read_facts", [&] {
        hyperv::HostFacts facts;
        facts.computer_name = "HV01";
        facts.os_build = 20348;
        facts.host_time = world_.host_time();
        facts.boot_time = "2026-01-01T00:00:00Z";
        return facts;
    });
}

std::vector<hyperv::Vm> FakeHost::list_vms() {
    return observed("list_vms", [&] { return std::vector<hyperv::Vm>{describe()}; });
}

hyperv::Vm FakeHost::read_vm(const std::string& vm_id) {
    return observed("read_vm", [&] {
        if (vm_id != world_.vm_id) throw Error{ErrorCode::not_found, "no VM " + vm_id};
        return describe();
    });
}

hyperv::VmHardware FakeHost::read_hardware(const std::string&) {
    return observed("read_hardware", [&] { return world_.hardware; });
}

std::vector<hyperv::Snapshot> FakeHost::list_snapshots(const std::string&) {
    return observed("list_snapshots", [&] { return world_.snapshots; });
}

std::vector<hyperv::ReferencePoint> FakeHost::list_reference_points(const std::string&) {
    return observed("list_reference_points", [&] { return world_.reference_points; });
}

std::vector<hyperv::Disk> FakeHost::list_snapshot_disks(const std::string& id) {
    return observed("list_snapshot_disks", [&] {
        std::vector<hyperv::Disk> disks;
        for (const FrozenDisk& frozen : world_.frozen_.at(id)) {
            hyperv::Disk disk;
            disk.slot_id = frozen.slot_id;
            disk.instance_id = id + "\\" + frozen.slot_id;
            disks.push_back(disk);
        }
        return disks;
    });
}

JobRef FakeHost::start_create_snapshot(const std::string&, hyperv::ConsistencyLevel level,
                                       const std::string& name) {
    return observed("start_create_snapshot", [&] {
        FakeHostWorld::Job job;
        job.kind = "snapshot";
        job.is_failed =
            world_.behaviour.fails_application && level == hyperv::ConsistencyLevel::application;
        job.hresult = 0x800423F4;
        // The snapshot exists as soon as the host has begun; its job ends later.
        if (!job.is_failed) world_.create_snapshot(job, name);
        return world_.start(std::move(job));
    });
}

void FakeHost::rename_snapshot(const std::string& id, const std::string& name) {
    observed("rename_snapshot", [&] { find_by_id(world_.snapshots, id)->name = name; });
}

JobRef FakeHost::start_export(const hyperv::ExportRequest& request) {
    return observed("start_export", [&] {
        ++world_.exports_begun;
        world_.export_bases.push_back(request.base_reference_point);
        FakeHostWorld::Job job;
        job.kind = "export";
        job.is_stalled = world_.behaviour.stalls_export;
        job.hresult = world_.behaviour.fail_export_hresult;
        if (!request.base_reference_point.empty() && job.hresult == 0) {
            job.hresult = world_.behaviour.fail_differential_hresult;
        }
        if (request.base_reference_point.empty() && job.hresult == 0) {
            job.hresult = std::exchange(world_.behaviour.fail_next_full_hresult, 0U);
        }
        job.is_failed = job.hresult != 0;
        if (!job.is_failed && !job.is_stalled) world_.write_export(request);
        return world_.start(std::move(job));
    });
}

JobRef FakeHost::start_convert(const std::string& id) {
    return observed("start_convert", [&] {
        FakeHostWorld::Job job;
        job.kind = "convert";
        job.is_failed = world_.behaviour.fails_convert;
        job.hresult = 0x80070569;
        if (!job.is_failed) world_.convert(id, job);
        if (world_.behaviour.never_merges) world_.is_merge_enabled = false;
        return world_.start(std::move(job));
    });
}

JobRef FakeHost::start_destroy_snapshot(const std::string& id) {
    return observed("start_destroy_snapshot", [&] {
        world_.destroyed.push_back(id);
        std::erase_if(world_.snapshots, [&id](const auto& s) { return s.instance_id == id; });
        FakeHostWorld::Job job;
        job.kind = "destroy";
        return world_.start(std::move(job));
    });
}

JobRef FakeHost::start_destroy_reference_point(const std::string&, const std::string& id) {
    return observed("start_destroy_reference_point", [&] {
        world_.destroyed.push_back(id);
        std::erase_if(world_.reference_points,
                      [&id](const auto& p) { return p.instance_id == id; });
        FakeHostWorld::Job job;
        job.kind = "destroy";
        return world_.start(std::move(job));
    });
}

JobStatus FakeHost::read_job(const JobRef& ref) {
    return observed("read_job", [&] {
        JobStatus status;
        auto found = world_.jobs_.find(ref.instance_id);
        if (found == world_.jobs_.end()) {
            status.state = JobState::vanished;
            return status;
        }
        FakeHostWorld::Job& job = found->second;
        if (!job.is_ended && (job.is_stalled || job.polls_left-- > 0)) {
            status.raw_state = 4;
            status.percent = 50;
            return status;
        }
        job.is_ended = true;
        status.state = job.is_failed ? JobState::failed : JobState::completed;
        status.raw_state = job.is_failed ? 10 : 7;
        status.hresult = job.is_failed ? job.hresult : 0;
        status.error_text = job.is_failed ? fmt::format("Fehler (0x{:08X})", job.hresult) : "";
        return status;
    });
}

void FakeHost::cancel_job(const JobRef& ref) {
    observed("cancel_job", [&] {
        FakeHostWorld::Job& job = world_.jobs_.at(ref.instance_id);
        job.is_ended = true;
        job.is_failed = true;
        job.hresult = 0x800704C7;
    });
}

std::vector<std::string> FakeHost::list_affected_snapshots(const JobRef& ref) {
    return observed("list_affected_snapshots", [&] {
        const auto& job = world_.jobs_.at(ref.instance_id);
        return job.kind == "snapshot" && !world_.behaviour.forgets_affected
                   ? job.affected
                   : std::vector<std::string>{};
    });
}

std::vector<std::string> FakeHost::list_affected_reference_points(const JobRef& ref) {
    return observed("list_affected_reference_points", [&] {
        const auto& job = world_.jobs_.at(ref.instance_id);
        return job.kind == "convert" && !world_.behaviour.forgets_affected
                   ? job.affected
                   : std::vector<std::string>{};
    });
}

std::vector<JobRef> FakeHost::list_export_jobs(const std::string&) {
    return observed("list_export_jobs",
                    [&] { return world_.list_jobs("export", FakeHostWorld::Which::all); });
}

void FakeHost::ensure_merge_enabled(const std::string&) {
    observed("ensure_merge_enabled", [&] { world_.is_merge_enabled = true; });
}

}  // namespace entrepot::test
