// The block allocation table of a VHD: where each block of the disk lies.
#pragma once

#include "storage/disk/image_view.h"
#include "storage/disk/table_cache.h"
#include "storage/disk/vhd_dynamic_header.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::disk::vhd {

/// Entries are checked when they are used, and read in pages on demand. Safe to use from several
/// threads.
class BlockTable {
public:
    /// Blocks must end in front of `data_end`. The view must outlive the table.
    BlockTable(const vhdx::ImageView& view, const DynamicHeader& header, std::uint64_t disk_size,
               std::uint64_t data_end);

    std::uint64_t block_size_bytes() const { return block_size_; }
    std::uint64_t block_count() const { return block_count_; }
    /// Of a block; less than a block only at the end of the disk.
    std::uint64_t bytes_in_block(std::uint64_t block) const;

    struct Place {
        std::uint64_t bitmap_offset = 0;
        std::uint64_t data_offset = 0;
    };
    /// Nullopt for a block that is absent. Throws Error{corrupt} for an entry that points where no
    /// block can be. Requires block < block_count().
    std::optional<Place> find_block(std::uint64_t block) const;
    /// The first block at or behind `block`, below `end`, that is there; `end` if there is none.
    std::uint64_t skip_absent(std::uint64_t block, std::uint64_t end) const;
    /// Set if the disk's last block has less file space than a block.
    std::optional<std::string> find_short_last_block() const;
    /// See check_block_aliasing().
    void check_aliasing() const;

    /// How many of the sectors of a block from `sector` on have the same bit as it, at most
    /// count_max; and the bit.
    struct BitRun {
        bool is_here = false;
        std::uint64_t sector_count = 0;
    };
    BitRun bit_run(std::uint64_t bitmap_offset, std::uint64_t sector,
                   std::uint64_t count_max) const;

private:
    std::uint32_t raw_entry(std::uint64_t block) const;
    void check_place(std::uint64_t block, std::uint32_t raw) const;
    void check_aliasing_from(std::uint64_t bucket, std::vector<std::uint32_t>& starts) const;
    /// "entry 3 (0x0000009f at offset 8204)".
    std::string entry_name(std::uint64_t block, std::uint32_t raw) const;

    std::uint64_t table_offset_;
    std::uint64_t block_size_;
    std::uint64_t bitmap_bytes_;
    std::uint64_t disk_size_;
    std::uint64_t block_count_;
    std::uint64_t data_end_;
    std::vector<Structure> occupied_;
    vhdx::TableCache cache_;
};

}  // namespace entrepot::disk::vhd
