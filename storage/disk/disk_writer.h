// Writing a disk's content into an image file that appears only when it is whole.
#pragma once

#include "storage/disk/disk_image.h"
#include "storage/disk/disk_source.h"

#include "base/clock.h"
#include "base/file_system.h"
#include "base/progress.h"
#include "base/random.h"

#include <filesystem>
#include <optional>

namespace entrepot::disk {

enum class TargetFormat { raw, vhdx, vhdx_fixed, vhdx_diff, vhd, vhd_fixed, qcow2 };

struct WriteOptions {
    TargetFormat format = TargetFormat::raw;
    /// Kept by a restore that replaces the disk; null: a new one. The unique id of a VHD.
    Guid virtual_disk_id;
    /// Only a VHD says when it was made.
    std::optional<WallTime> created;
    /// Of a VHDX; a differencing one has that of its base.
    std::uint32_t physical_sector_size = 4096;
    /// For vhdx_diff: the parent. What equals it is left out; it must outlive the call.
    const DiskSource* base = nullptr;
    const ImageInfo* base_info = nullptr;
    std::string base_file_name;
};

/// Parses "raw", "vhdx", "vhdx-fixed", "vhdx-diff", "vhd", "vhd-fixed", "qcow2"; Error{usage} for
/// another.
TargetFormat parse_target_format(std::string_view name);

/// Writes the whole disk, with holes where it is zero, under a temporary name; syncs and renames at
/// the end. An existing target is Error{already_exists}; a disk that the format cannot hold, by
/// size or sector size, is Error{unsupported}. A source or base that changed meanwhile is
/// Error{corrupt}, and nothing is written. qcow2 goes through qemu-img.
void write_disk(FileSystem& file_system, Random& random, const DiskSource& source,
                const std::filesystem::path& target, const WriteOptions& options, const Work& work);

}  // namespace entrepot::disk
