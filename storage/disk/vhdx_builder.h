// Lays out a new VHDX in a file: structures, blocks, and the table that points to them.
#pragma once

#include "storage/disk/block_table.h"
#include "storage/disk/vhdx_metadata.h"

#include "base/file_system.h"
#include "base/random.h"

#include <cstdint>

namespace entrepot::disk::vhdx {

/// Blocks and bitmaps are set in the order of the table: all blocks of a chunk ascending, then its
/// bitmap. The file is a VHDX only after finish(), since its headers are written last.
class Builder {
public:
    Builder(File& file, const Metadata& metadata);

    const Geometry& geometry() const { return geometry_; }
    /// File space of its own; returns its offset. A multiple of 1 MiB.
    std::uint64_t allocate(std::uint64_t length);
    /// `state` is a state of vhdx_format.h.
    void set_block(std::uint64_t block, std::uint64_t state, std::uint64_t file_offset);
    void set_bitmap(std::uint64_t chunk, std::uint64_t file_offset);
    /// Gives the image new identities for its content and its file.
    void finish(Random& random);

private:
    void set_entry(std::uint64_t index, std::uint64_t value);
    void flush_page();
    void write_metadata();
    void write_region_tables();

    File& file_;
    Metadata metadata_;
    Geometry geometry_;
    std::uint64_t bat_length_;
    std::uint64_t end_;
    // The one page of the table that is being filled: tables can be larger than memory should be.
    Bytes page_;
    std::uint64_t page_number_ = 0;
    bool is_page_dirty_ = false;
};

}  // namespace entrepot::disk::vhdx
