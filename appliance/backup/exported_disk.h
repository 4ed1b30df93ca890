// One disk of an export: its images sorted into a chain, and which of them is the leaf.
#pragma once

#include "appliance/backup/byte_range.h"
#include "appliance/backup/export_files.h"

#include "storage/disk/image_chain.h"
#include "storage/repository/repository.h"

#include "base/file_system.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::backup {

/// The upper image of a chain inside one export holds the guest's auto-recovery writes: people
/// restore it, the host's change tracking does not know it.
struct ExportedDisk {
    std::string virtual_disk_id;  ///< Lower case; empty if the image names none.
    std::string name;             ///< File name of the image that is not the leaf.
    disk::ImageChain restore;     ///< Leaf and all below.
    /// Without the leaf; empty where there is no leaf, or it holds no sector.
    std::optional<disk::ImageChain> tracking;

    const disk::ImageInfo& info() const { return restore.leaf().info(); }
    /// Leaf (if the chain has one) and the image below it, as they are kept with a point.
    std::vector<repository::ImageRecord> image_records() const;
    /// DataWriteGuids of the images further below: nothing may lie on them.
    std::vector<Guid> inner_images() const;
    /// Throws Error{corrupt} if any image is not what it was when it was opened.
    void check_unchanged() const;
};

/// Opens all images, checks each for blocks that overlap, and sorts them into disks, in the order
/// of the files. Error{corrupt} where two chains claim to be one disk.
std::vector<ExportedDisk> open_exported_disks(FileSystem& file_system,
                                              const std::vector<ExportFile>& images);

/// Where the leaf wrote, in whole chunks; few and rather too large than too small.
std::vector<ByteRange> find_leaf_ranges(const ExportedDisk& disk, std::uint32_t chunk_size_bytes);

/// File name without directories, whichever way the path is written.
std::string base_name(std::string_view path);
/// Equal but for the case of ASCII letters, as Windows compares names.
bool equal_names(std::string_view first, std::string_view second);

}  // namespace entrepot::backup
