// The writers behind write_disk(), one for each kind of target; and what all ways out share.
#pragma once

#include "storage/disk/disk_writer.h"
#include "storage/disk/vhdx_metadata.h"

#include "base/file_system.h"

#include <filesystem>

namespace entrepot::disk {

/// What a VHDX says of the disk, by the options.
vhdx::Metadata vhdx_metadata_of(const DiskSource& source, const WriteOptions& options,
                                Random& random);

/// Error{unsupported} for a disk that the format cannot hold, Error{usage} for options that
/// contradict each other.
void check_target_limits(const DiskSource& source, const WriteOptions& options);

void write_raw(File& target, const DiskSource& source, const Work& work);

/// Dynamic, or fixed if the metadata says so.
void write_vhdx(File& target, const vhdx::Metadata& metadata, Random& random,
                const DiskSource& source, const Work& work);

/// What differs from the base, by the sector.
void write_vhdx_difference(File& target, const vhdx::Metadata& metadata, Random& random,
                           const DiskSource& source, const DiskSource& base, const Work& work);

/// Dynamic or fixed, as the options' format says. Requires sectors of 512 bytes and at most 2040
/// GiB.
void write_vhd(File& target, const WriteOptions& options, Random& random, const DiskSource& source,
               const Work& work);

/// Runs qemu-img on a raw file. Throws Error{unsupported} if it is not installed, Error{io} with
/// its own words if it fails, Error{cancelled}.
void convert_with_qemu(const std::filesystem::path& raw, const std::filesystem::path& target,
                       const Work& work);

}  // namespace entrepot::disk
