// A disk that goes on where content is lost: zeros stand in for what cannot be read, and are told.
#pragma once

#include "storage/disk/disk_source.h"

#include <cstdint>
#include <string>
#include <vector>

namespace entrepot::recover {

struct LostRange {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::string reason;  ///< Of its first part.
};

/// For one thread.
class TolerantDisk final : public disk::DiskSource {
public:
    /// Content is lost by whole units, which divide the reads of the disk below. It outlives this.
    TolerantDisk(const disk::DiskSource& disk, std::uint32_t unit_bytes)
        : disk_(disk), unit_bytes_(unit_bytes) {}

    std::uint64_t size_bytes() const override { return disk_.size_bytes(); }
    std::uint32_t logical_sector_size() const override { return disk_.logical_sector_size(); }
    void read(std::uint64_t offset, MutableByteView target) const override;
    /// Ranges whose kind cannot be told are data, so that reading them tells of the loss.
    disk::DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override;

    /// Ascending, neighbours merged.
    const std::vector<LostRange>& lost() const { return lost_; }

private:
    void note(std::uint64_t offset, std::uint64_t length, const char* reason) const;

    const disk::DiskSource& disk_;
    std::uint32_t unit_bytes_;
    mutable std::vector<LostRange> lost_;  // Reading is what finds them.
};

}  // namespace entrepot::recover
