// Which blocks of a disk hold data, and their content one after another.
#pragma once

#include "storage/disk/disk_source.h"

#include <cstdint>
#include <stop_token>
#include <vector>

namespace entrepot::disk {

class BlockMap {
public:
    /// Asks the source for its extents. Error{cancelled}.
    BlockMap(const DiskSource& source, std::uint64_t block_bytes, const std::stop_token& stop);

    std::uint64_t block_bytes() const { return block_bytes_; }
    std::uint64_t block_count() const { return has_data_.size(); }
    std::uint64_t data_count() const { return data_count_; }
    bool has_data(std::uint64_t block) const { return has_data_[block]; }
    /// The first block with data at or after `block`; block_count() if there is none.
    std::uint64_t find_data(std::uint64_t block) const;

private:
    std::uint64_t block_bytes_;
    std::uint64_t data_count_ = 0;
    std::vector<bool> has_data_;
};

/// The blocks with data, in order, as one run of bytes; zeros beyond the disk's end.
class BlockContent {
public:
    /// Both outlive it.
    BlockContent(const DiskSource& source, const BlockMap& map)
        : source_(source), map_(map), block_(map.find_data(0)) {}
    /// Requires that reads follow each other from 0 on, and stay within data_count() blocks.
    Bytes read(std::uint64_t offset, std::size_t length);

private:
    const DiskSource& source_;
    const BlockMap& map_;
    std::uint64_t ordinal_ = 0;
    std::uint64_t block_;
};

}  // namespace entrepot::disk
