// A range of a disk as a disk of its own.
#pragma once

#include "storage/disk/disk_source.h"

#include "base/bytes.h"

#include <cstdint>

namespace entrepot::guest {

class VolumeSource final : public disk::DiskSource {
public:
    /// The disk outlives it. Requires that the range lies in the disk.
    VolumeSource(const disk::DiskSource& disk, std::uint64_t offset, std::uint64_t length);

    std::uint64_t size_bytes() const override { return length_; }
    std::uint32_t logical_sector_size() const override { return disk_.logical_sector_size(); }
    void read(std::uint64_t offset, MutableByteView target) const override;
    disk::DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override;

private:
    const disk::DiskSource& disk_;
    std::uint64_t offset_;
    std::uint64_t length_;
};

/// Up to `length` bytes: fewer where the disk ends, none beyond it.
Bytes read_up_to(const disk::DiskSource& disk, std::uint64_t offset, std::size_t length);

}  // namespace entrepot::guest
