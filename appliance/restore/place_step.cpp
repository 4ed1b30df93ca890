// See place_step.h.
#include "appliance/restore/place_step.h"

#include "appliance/backup/host_calls.h"
#include "appliance/backup/repository_wait.h"
#include "appliance/jobs/job.h"
#include "appliance/restore/host_path.h"
#include "appliance/restore/limits.h"
#include "appliance/restore/marker_disk.h"
#include "appliance/share/unc.h"

#include "storage/disk/disk_writer.h"

#include "base/atomic_file.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace entrepot::restore {
namespace {

namespace fs = std::filesystem;

/// The progress of several disks as one.
class DiskProgress final : public Progress {
public:
    DiskProgress(Progress& whole, const Layout& layout) : whole_(whole) {
        for (const PlacedDisk& disk : layout.disks)
            total_ += disk.size_bytes;
    }
    void report(std::string_view, std::uint64_t done, std::uint64_t) override {
        whole_.report("place", before_ + done, total_);
    }
    void end_disk(const PlacedDisk& disk) { before_ += disk.size_bytes; }

private:
    Progress& whole_;
    std::uint64_t before_ = 0;
    std::uint64_t total_ = 0;
};

void make_folder(FileSystem& file_system, const fs::path& folder) {
    if (!file_system.exists(folder)) file_system.make_directories(folder);
}

// A crash leaves files under temporary names; what has its own name is whole.
void remove_half_files(FileSystem& file_system, const fs::path& folder) {
    for (const DirectoryEntry& entry : file_system.list(folder)) {
        if (entry.name.starts_with(".")) file_system.remove(folder / entry.name);
    }
}

std::chrono::milliseconds wall_time(RestoreRun& run) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
        run.services().clock.wall_now().time_since_epoch());
}

std::unique_ptr<repository::PointReader> open_point(RestoreRun& run) {
    return backup::when_repository_is_free(
        run, [&] { return run.services().repository.open_point(run.plan().request.point); });
}

}  // namespace

bool PlaceStep::sees_marker(const std::string& folder, std::string& reason, IfSilent if_silent) {
    const auto read = [&] {
        return run_.importer().look_at_disk_file(join_host_path(folder, {kMarkerName}));
    };
    const auto look =
        if_silent == IfSilent::ask_again ? backup::read_patiently(run_, read) : read();
    if (look.is_readable && look.virtual_disk_id == run_.plan().marker_id) return true;
    reason = look.is_readable ? std::string{"another disk is there"} : look.reason;
    if (!look.hint.empty()) reason += ". " + look.hint;
    return false;
}

void PlaceStep::prove_share(const std::string& probe_path) {
    std::string reason;
    // A host's client may remember for some seconds that there was no such folder.
    const bool is_seen = backup::wait_until(run_, run_.pace().appear_max,
                                            [&] { return sees_marker(probe_path, reason); });
    if (is_seen) return;
    throw Error{
        ErrorCode::host_failure,
        fmt::format("host {} cannot read {}: {}", run_.plan().host_name, probe_path, reason),
        "A host reads a VM's files under its computer account, or by a mapping "
        "(New-SmbGlobalMapping): give that account full control of the share, and try the "
        "path on the host."};
}

void PlaceStep::find_reach() {
    if (run_.journal().has(key::kReach)) return;
    run_.job().enter_stage("reach");
    RestorePlan& plan = run_.plan();
    share::ExportArea area = run_.area();
    const fs::path probe = run_.probe_directory();
    area.remove_published(probe);
    const fs::path folder = area.create_private(run_.job().id());
    write_marker_disk(run_.services().file_system, run_.services().random, plan.marker_id,
                      folder / kMarkerName);
    area.publish(run_.job().id(), probe);
    if (plan.target.is_reach_known) {
        const std::string unc = share_of(run_.services(), plan.target).unc;
        prove_share(share::join_restore_unc(unc, run_.record().id, run_.job().id()));
    } else {
        std::string reason;
        for (const std::string& candidate : plan.target.mapped_candidates) {
            if (!sees_marker(candidate, reason)) continue;
            plan.target.host_path = candidate;
            plan.target.reach = Reach::mapped;
            break;
        }
        plan.target.is_reach_known = true;
    }
    area.remove_published(probe);
    run_.journal().put(key::kReach, to_json(plan.target));
    run_.note(plan.target.reach == Reach::copied
                  ? fmt::format("the share is not to be seen at {}: the files will be copied there",
                                plan.target.host_path)
                  : fmt::format("the host reads the share at {}", plan.target.host_path));
}

void PlaceStep::place() {
    if (run_.journal().has(key::kPlaced)) return;
    run_.job().enter_stage("place");
    share::ExportArea area = run_.area();
    const RestorePlan& plan = run_.plan();
    if (!run_.journal().has(key::kPublishing)) {
        const fs::path folder = area.create_private(run_.job().id());
        remove_half_files(run_.services().file_system, folder);
        write_disks(folder);
        write_files(folder);
        write_marker_disk(run_.services().file_system, run_.services().random, plan.marker_id,
                          folder / kMarkerName);
        run_.services().file_system.sync_directory(folder);
        run_.journal().put(key::kPublishing, true);
    }
    area.publish(run_.job().id(), plan.target.directory);
    run_.journal().put(key::kPlaced, true);
    run_.note(fmt::format("{} disks and {} configuration files are at {}", plan.layout.disks.size(),
                          plan.layout.files.size(), plan.target.share_path));
}

void PlaceStep::write_disks(const fs::path& folder) {
    const backup::Services& services = run_.services();
    const fs::path disks = folder / kDiskFolder;
    make_folder(services.file_system, disks);
    remove_half_files(services.file_system, disks);
    const auto reader = open_point(run_);
    DiskProgress progress{run_.job().progress(), run_.plan().layout};
    for (const PlacedDisk& disk : run_.plan().layout.disks) {
        with_context(fmt::format("restoring disk {} ({})", disk.index, disk.name), [&] {
            if (services.file_system.exists(disks / disk.file_name)) return;
            const auto content = reader->open_disk(disk.index, repository::View::restore);
            disk::WriteOptions options;
            options.format = disk::TargetFormat::vhdx;
            options.virtual_disk_id = disk.virtual_disk_id;
            for (const auto& summary : reader->summary().disks) {
                if (summary.draft.index == disk.index)
                    options.physical_sector_size = summary.draft.physical_sector_size;
            }
            disk::write_disk(services.file_system, services.random, *content,
                             disks / disk.file_name, options, Work{progress, run_.stop()});
        });
        progress.end_disk(disk);
    }
}

void PlaceStep::write_files(const fs::path& folder) {
    const backup::Services& services = run_.services();
    const fs::path files = folder / kFileFolder;
    make_folder(services.file_system, files);
    remove_half_files(services.file_system, files);
    const auto reader = open_point(run_);
    for (const PlacedFile& file : run_.plan().layout.files) {
        if (services.file_system.exists(files / file.file_name)) continue;
        write_file_atomically(services.file_system, files / file.file_name,
                              reader->read_file(file.name_in_point));
    }
}

void PlaceStep::wait_until_readable() {
    if (run_.journal().has(key::kCopied)) return;
    if (run_.plan().target.reach == Reach::copied) wait_for_copy();
    for (const PlacedDisk& disk : run_.plan().layout.disks)
        check_disk(disk);
    run_.journal().put(key::kCopied, true);
}

// Nobody copies at once: the job waits without a worker, and the time it waits since is journalled,
// so that it goes on over a restart of the appliance.
void PlaceStep::wait_for_copy() {
    const Target& target = run_.plan().target;
    const std::chrono::milliseconds now = wall_time(run_);
    const Json wait = begin_copy_wait();
    if (is_copied()) {
        run_.note(fmt::format("the files are at {}", run_.plan().target.host_path));
        return;
    }
    const std::chrono::milliseconds since{wait.at("since").get<std::int64_t>()};
    if (now - since >= limits::kCopyWaitMax) {
        throw Error{ErrorCode::timeout,
                    fmt::format("nobody copied the files to {} within {} hours", target.host_path,
                                limits::kCopyWaitMax.count()),
                    "Restore again, and run the command that the job shows on the host."};
    }
    if (run_.stop().stop_requested()) throw Error{ErrorCode::cancelled, "cancelled"};
    const std::chrono::milliseconds pause = std::clamp<std::chrono::milliseconds>(
        (now - since) / 20, limits::kCopyPollMin, limits::kCopyPollMax);
    throw jobs::Parking{fmt::format("somebody copies the files to {} on the host; the job's "
                                    "messages have the command",
                                    target.host_path),
                        pause};
}

Json PlaceStep::begin_copy_wait() {
    if (const auto begun = run_.journal().find(key::kCopyWait)) {
        for (const auto& text : begun->at("warnings").get<std::vector<std::string>>())
            run_.recall_warning(text);
        return *begun;
    }
    run_.job().enter_stage("copy");
    run_.note(fmt::format("waiting until the files are on the host. In PowerShell there: {}",
                          copy_command(run_.plan().target)));
    Json wait{{"since", wall_time(run_).count()}, {"warnings", run_.warnings()}};
    run_.journal().put(key::kCopyWait, wait);
    return wait;
}

// Who copies may take days, and the host may be restarted meanwhile: the next look asks it again.
bool PlaceStep::is_copied() {
    try {
        return find_copy();
    } catch (const Error& error) {
        if (run_.stop().stop_requested() || !backup::is_answer_lost(error)) throw;
        return false;
    }
}

// Somebody may also have mapped the share meanwhile, or a first look may have failed in passing.
bool PlaceStep::find_copy() {
    Target& target = run_.plan().target;
    std::string reason;
    if (sees_marker(target.host_path, reason, IfSilent::fail)) return true;
    for (const std::string& candidate : target.mapped_candidates) {
        if (!sees_marker(candidate, reason, IfSilent::fail)) continue;
        target.host_path = candidate;
        target.reach = Reach::mapped;
        run_.journal().put(key::kReach, to_json(target));
        return true;
    }
    return false;
}

void PlaceStep::check_disk(const PlacedDisk& disk) {
    const std::string path =
        join_host_path(run_.plan().target.host_path, {kDiskFolder, disk.file_name});
    hyperv::DiskFileLook look;
    const bool is_readable = backup::wait_until(run_, run_.pace().appear_max, [&] {
        look =
            backup::read_patiently(run_, [&] { return run_.importer().look_at_disk_file(path); });
        return look.is_readable;
    });
    if (!is_readable) {
        throw Error{ErrorCode::host_failure,
                    fmt::format("host {} cannot open the restored disk {}: {}",
                                run_.plan().host_name, path, look.reason),
                    look.hint.empty() ? "Check the rights on the folder on the host." : look.hint};
    }
    if (look.virtual_disk_id == disk.virtual_disk_id && look.size_bytes == disk.size_bytes) return;
    throw Error{
        ErrorCode::conflict,
        fmt::format("{} is not the disk that was restored: the host sees {} of {} bytes", path,
                    look.virtual_disk_id ? look.virtual_disk_id->to_string()
                                         : std::string{"a disk without id"},
                    look.size_bytes),
        "Name an empty folder of the host, or copy the files again."};
}

void remove_placed_files(RestoreRun& run) {
    share::ExportArea area = run.area();
    const Target& target = run.plan().target;
    const fs::path private_folder = area.taken_path(run.job().id());
    // Before the move the target may be somebody else's, whatever its name.
    const bool is_moved =
        run.journal().has(key::kPublishing) && !run.services().file_system.exists(private_folder);
    if (is_moved) area.remove_published(target.directory);
    area.remove_published(run.probe_directory());  // Named by the job, so it is ours.
    area.remove_run(run.record().id, run.job().id());
}

std::string remove_copies_command(const RestorePlan& plan) {
    std::string paths;
    const auto add = [&](const std::string& path) {
        paths += (paths.empty() ? "" : ", ") + quote_for_powershell(path);
    };
    const std::string& folder = plan.target.host_path;
    for (const PlacedDisk& disk : plan.layout.disks)
        add(join_host_path(folder, {kDiskFolder, disk.file_name}));
    for (const PlacedFile& file : plan.layout.files)
        add(join_host_path(folder, {kFileFolder, file.file_name}));
    add(join_host_path(folder, {kMarkerName}));
    return "Remove-Item -ErrorAction Ignore -LiteralPath " + paths;
}

}  // namespace entrepot::restore
