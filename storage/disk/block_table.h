// The block allocation table of a VHDX: where each block of the disk lies (MS-VHDX 2.5).
#pragma once

#include "storage/disk/hole_map.h"
#include "storage/disk/image_view.h"
#include "storage/disk/table_cache.h"
#include "storage/disk/unwritten_blocks.h"
#include "storage/disk/vhdx_metadata.h"
#include "storage/disk/vhdx_region_table.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::disk::vhdx {

/// What follows from the sizes in the metadata.
struct Geometry {
    explicit Geometry(const Metadata& metadata);
    std::uint64_t size_bytes;
    std::uint64_t block_size_bytes;
    std::uint64_t sector_size;
    std::uint64_t chunk_ratio;  ///< Blocks for each bitmap block.
    std::uint64_t block_count;
    std::uint64_t chunk_count;
    std::uint64_t entry_count;  ///< Payload and bitmap entries that the table must hold.
    bool has_parent;

    std::uint64_t entry_of_block(std::uint64_t block) const { return block + block / chunk_ratio; }
    std::uint64_t entry_of_bitmap(std::uint64_t chunk) const {
        return chunk * (chunk_ratio + 1) + chunk_ratio;
    }
    /// The first block whose entry is at or behind `index`.
    std::uint64_t block_at_entry(std::uint64_t index) const {
        return index - index / (chunk_ratio + 1);
    }
    /// Of a block; less than a block only at the end of the disk.
    std::uint64_t bytes_in_block(std::uint64_t block) const;
};

enum class BlockState { not_present, zero, unmapped, present, partial };

struct BlockEntry {
    BlockState state = BlockState::not_present;
    std::uint64_t file_offset = 0;  ///< For present and partial.
    bool operator==(const BlockEntry&) const = default;
};

/// What an entry is for, in words, and where it lies in the file.
struct EntryPlace {
    std::string name;
    std::uint64_t offset = 0;
};

/// Entries are checked when they are used: a table of a 64 TiB disk is never read as a whole.
/// Safe to use from several threads.
class BlockTable {
public:
    /// Throws Error{corrupt} if the region is too small for the geometry.
    BlockTable(const ImageView& image, const Geometry& geometry, const Regions& regions);

    /// Throws Error{corrupt} for an entry that the format forbids or that points where no block can
    /// be. Requires block < block_count.
    BlockEntry block(std::uint64_t block) const;
    /// Where the bitmap of a chunk lies; nullopt if it has none.
    std::optional<std::uint64_t> find_bitmap(std::uint64_t chunk) const;
    /// Where the bitmap of a partial block's chunk lies. Throws Error{corrupt} if there is none.
    std::uint64_t bitmap_of_block(std::uint64_t block) const;
    /// What a block without content reads as.
    enum class Empty { no, zero, unmapped, parent };
    Empty empty_kind(BlockState state) const;
    /// The first block at or behind `block`, below `end`, that reads as something else or holds
    /// content; `end` if there is none.
    std::uint64_t skip_empty(std::uint64_t block, std::uint64_t end, Empty kind) const;
    /// Set if the last block's file space ends early, which old QEMU does.
    std::optional<std::string> find_short_last_block() const;
    /// See check_block_aliasing().
    void check_aliasing() const;
    /// See disk::find_unwritten_blocks().
    UnwrittenBlocks find_unwritten_blocks() const;

    /// How many of the sectors from `sector` on (counted in the chunk) have the same bit as it, at
    /// most count_max; and the bit.
    struct BitRun {
        bool is_here = false;
        std::uint64_t sector_count = 0;
    };
    BitRun bit_run(std::uint64_t bitmap_offset, std::uint64_t sector,
                   std::uint64_t count_max) const;

private:
    std::uint64_t raw_entry(std::uint64_t index) const;
    std::uint64_t skip_same(std::uint64_t index) const;
    BlockEntry decode(std::uint64_t block, std::uint64_t raw) const;
    EntryPlace place_of_block(std::uint64_t block) const;
    /// A block, or at least one sector of it, is said to be in the file.
    bool has_content(std::uint64_t block, BlockState state) const;
    bool is_zero_in_file(std::uint64_t offset, std::uint64_t length) const;
    EntryPlace place_of_bitmap(std::uint64_t chunk) const;
    /// Refuses where no block or bitmap can be; the place is asked for only then.
    void check_place(std::uint64_t raw, std::uint64_t length_needed, std::uint64_t length_claimed,
                     const std::function<EntryPlace()>& place) const;

    const ImageView& image_;
    Geometry geometry_;
    Regions regions_;
    TableCache cache_;
    HoleMap holes_;
};

}  // namespace entrepot::disk::vhdx
