// A range of a disk as a disk of its own.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/guest_model/content_place.h"
#include "storage/guest_model/volume.h"

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

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

/// Several ranges of a disk, one behind the other.
class PieceSource final : public disk::DiskSource {
public:
    /// The disk outlives it. Requires that there are pieces, none of them empty, all in the disk.
    PieceSource(const disk::DiskSource& disk, std::vector<VolumePiece> pieces);

    std::uint64_t size_bytes() const override { return size_; }
    std::uint32_t logical_sector_size() const override { return disk_.logical_sector_size(); }
    void read(std::uint64_t offset, MutableByteView target) const override;
    disk::DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override;

private:
    /// The piece that has this byte, and where in it.
    struct Place {
        std::size_t piece = 0;
        std::uint64_t offset = 0;
    };
    Place find(std::uint64_t offset) const;

    const disk::DiskSource& disk_;
    std::vector<VolumePiece> pieces_;
    std::vector<std::uint64_t> begins_;  ///< Where each begins in the whole.
    std::uint64_t size_ = 0;
};

/// The volume's bytes. The disk outlives it.
std::unique_ptr<disk::DiskSource> open_volume(const disk::DiskSource& disk, const Volume& volume);

/// Places in the volume as places on the disk: as many, or more where the volume has pieces; the
/// first ones, where those would be more than so many. Error{corrupt} where one does not lie in it.
std::vector<ContentPlace> places_on_disk(const Volume& volume,
                                         const std::vector<ContentPlace>& places,
                                         std::size_t count_max);

/// Up to `length` bytes: fewer where the disk ends, none beyond it.
Bytes read_up_to(const disk::DiskSource& disk, std::uint64_t offset, std::size_t length);

}  // namespace entrepot::guest
