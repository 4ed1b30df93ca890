// A volume as its journal leaves it. A journal holds whole blocks, so none of them is copied: each
// is read where it lies in the journal.
#pragma once

#include "storage/disk/disk_source.h"

#include "base/bytes.h"

#include <cstdint>
#include <vector>

namespace entrepot::guest {

/// A block of the volume whose content stands in another one.
struct MovedBlock {
    std::uint64_t block = 0;
    std::uint64_t source = 0;
    bool is_escaped = false;  ///< It begins with the journal's magic number, which is zero there.
};

class JournalOverlay final : public disk::DiskSource {
public:
    /// The disk outlives it. Requires blocks in the volume, in their order, each once.
    JournalOverlay(const disk::DiskSource& disk, std::uint32_t block_bytes,
                   std::vector<MovedBlock> moved);

    std::uint64_t size_bytes() const override { return disk_.size_bytes(); }
    std::uint32_t logical_sector_size() const override { return disk_.logical_sector_size(); }
    void read(std::uint64_t offset, MutableByteView target) const override;
    disk::DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override {
        return disk_.extent_at(offset, length_max);
    }

    /// How many of these bytes, from the first on, are the disk's own.
    std::uint64_t unchanged_length(std::uint64_t offset, std::uint64_t length) const;

private:
    const disk::DiskSource& disk_;
    const std::uint64_t block_bytes_;
    const std::vector<MovedBlock> moved_;
};

}  // namespace entrepot::guest
