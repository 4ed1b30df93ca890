// Changes of a disk that are kept in memory.
#pragma once

#include "storage/disk/disk_source.h"

#include "base/bytes.h"

#include <cstdint>
#include <map>

namespace entrepot::guest {

/// A disk, of which some sectors are others.
class SectorOverlay final : public disk::DiskSource {
public:
    explicit SectorOverlay(const disk::DiskSource& disk) : disk_(disk) {}

    std::uint64_t size_bytes() const override { return disk_.size_bytes(); }
    std::uint32_t logical_sector_size() const override { return disk_.logical_sector_size(); }
    void read(std::uint64_t offset, MutableByteView target) const override;
    disk::DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override {
        return disk_.extent_at(offset, length_max);
    }

    /// Requires a range in the disk. Error{limit}.
    void write(std::uint64_t offset, ByteView content);
    /// Back to what the disk has.
    void discard() { sectors_.clear(); }
    /// True if a part of the range is another one than the disk's.
    bool is_changed(std::uint64_t offset, std::uint64_t length) const;
    /// How many of these bytes, from the first on, are the disk's own.
    std::uint64_t unchanged_length(std::uint64_t offset, std::uint64_t length) const;

private:
    const disk::DiskSource& disk_;
    std::map<std::uint64_t, Bytes> sectors_;  ///< By their numbers.
};

}  // namespace entrepot::guest
