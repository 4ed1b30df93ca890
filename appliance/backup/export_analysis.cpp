// See export_analysis.h.
#include "appliance/backup/export_analysis.h"

#include "appliance/backup/unwritten_images.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace entrepot::backup {
namespace {

constexpr const char* kExportHint =
    "The export was not used. Run the backup again; if it fails the same way, look at the host's "
    "event log Microsoft-Windows-Hyper-V-VMMS-Admin.";

/// Takes the export's disk that stands for an expected one out of the list.
std::optional<ExportedDisk> take_disk(std::vector<ExportedDisk>& disks, const ExpectedDisk& wanted,
                                      std::size_t wanted_count) {
    auto found = disks.end();
    if (!wanted.virtual_disk_id.empty()) {
        found = std::find_if(disks.begin(), disks.end(), [&wanted](const ExportedDisk& disk) {
            return disk.virtual_disk_id == wanted.virtual_disk_id;
        });
    } else if (disks.size() == 1 && wanted_count == 1) {
        // The host could not say the disk's id, but there is nothing to confuse.
        found = disks.begin();
    }
    if (found == disks.end()) return std::nullopt;
    ExportedDisk disk = std::move(*found);
    disks.erase(found);
    return disk;
}

void check_geometry(const ExportedDisk& disk, const ExpectedDisk& wanted) {
    const disk::ImageInfo& info = disk.info();
    if (wanted.size_bytes != 0 && info.size_bytes != wanted.size_bytes) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("disk {} has {} bytes on the host and {} in its image {}",
                                wanted.index, wanted.size_bytes, info.size_bytes, disk.name),
                    kExportHint};
    }
    if (wanted.logical_sector_size != 0 && info.logical_sector_size != wanted.logical_sector_size) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("disk {} has sectors of {} bytes on the host and of {} in its "
                                "image {}",
                                wanted.index, wanted.logical_sector_size, info.logical_sector_size,
                                disk.name),
                    kExportHint};
    }
}

void check_configuration(Run& run, const ExportFiles& files, std::vector<std::string>& warnings) {
    if (files.configurations.size() != 1) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("the export holds {} configuration files (.vmcx), not one",
                                files.configurations.size()),
                    kExportHint};
    }
    const auto& file = files.configurations.front();
    if (!equal_names(file.path.stem().string(), run.vm_id())) {
        warnings.push_back(fmt::format("the configuration file {} is not named after the VM {}",
                                       file.relative_name, run.vm_id()));
    }
}

// What the host exported and nobody asked for.
std::string describe_surplus(const ExportedDisk& disk, const RunPlan& plan) {
    const auto& excluded = plan.excluded_virtual_ids;
    const bool is_excluded =
        std::find(excluded.begin(), excluded.end(), disk.virtual_disk_id) != excluded.end();
    if (is_excluded) {
        return fmt::format(
            "{} is excluded, and the host exported it all the same, as Windows "
            "Server 2016 does; it is not kept",
            disk.name);
    }
    return fmt::format("the export also holds {}, which was not expected and is not kept",
                       disk.name);
}

}  // namespace

ExportAnalysis analyse_export(Run& run, const std::filesystem::path& directory,
                              const ExportGoal& goal) {
    const Services& services = run.services();
    ExportFiles files = find_export_files(services.file_system, directory, Source::host);
    ExportAnalysis analysis;
    check_configuration(run, files, analysis.warnings);
    analysis.files = files.configurations;
    analysis.files.insert(analysis.files.end(), files.others_of_vm.begin(),
                          files.others_of_vm.end());

    std::optional<repository::PointSummary> base_point;
    Base base{nullptr, Voucher::reference_point, make_image_lookup(services.repository)};
    if (!goal.base_point.empty()) {
        base_point = services.repository.find_point(goal.base_point);
        base.point = &*base_point;
    }
    std::vector<ExportedDisk> disks = open_exported_disks(services.file_system, files.images);
    const auto& expected = run.plan().disks;
    for (const ExpectedDisk& wanted : expected) {
        auto disk = take_disk(disks, wanted, expected.size());
        if (!disk) {
            throw Error{ErrorCode::corrupt,
                        fmt::format("the export lacks disk {} ({}, id {})", wanted.index,
                                    wanted.path, wanted.virtual_disk_id),
                        kExportHint};
        }
        check_geometry(*disk, wanted);
        check_images_are_written(services.file_system, directory, *disk, services.holes,
                                 analysis.warnings);
        repository::DiskDraft draft;
        draft.id = wanted.virtual_disk_id;
        draft.index = wanted.index;
        draft.name = base_name(wanted.path);
        draft.host_disk_id = wanted.slot_id;
        analysis.disks.push_back(plan_disk(std::move(*disk), std::move(draft), base));
        const std::string& warning = analysis.disks.back().warning;
        if (!warning.empty()) {
            analysis.warnings.push_back(fmt::format("disk {}: {}", wanted.index, warning));
        }
    }
    for (const ExportedDisk& disk : disks)
        analysis.warnings.push_back(describe_surplus(disk, run.plan()));
    return analysis;
}

}  // namespace entrepot::backup
