// Interleaving, states and checks of table entries (MS-VHDX 2.5.1; vhdx.md section 2).
#include "storage/disk/block_table.h"

#include "storage/disk/limits.h"

#include "base/check.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace entrepot::disk::vhdx {
namespace {

constexpr std::uint64_t kEntryBytes = 8;

std::uint64_t divide_up(std::uint64_t value, std::uint64_t divisor) {
    return value / divisor + (value % divisor != 0 ? 1 : 0);
}

[[noreturn]] void refuse(const std::string& name, std::uint64_t raw, std::string_view why) {
    throw Error{ErrorCode::corrupt, fmt::format("VHDX BAT: {} ({:#018x}) {}", name, raw, why)};
}

/// One bit for each MiB of the file.
class SpaceMap {
public:
    explicit SpaceMap(std::uint64_t file_size) : bits_(divide_up(file_size, kMiB), false) {}

    /// False if a part is taken already. What lies beyond the file is left out.
    bool take(std::uint64_t offset, std::uint64_t length) {
        const std::uint64_t begin = offset / kMiB;
        const std::uint64_t end =
            std::min<std::uint64_t>(divide_up(offset + length, kMiB), bits_.size());
        for (std::uint64_t unit = begin; unit < end; ++unit) {
            if (bits_[unit]) return false;
            bits_[unit] = true;
        }
        return true;
    }

private:
    std::vector<bool> bits_;
};

std::string block_name(std::uint64_t block, std::uint64_t index) {
    return fmt::format("entry {} of block {}", index, block);
}

}  // namespace

Geometry::Geometry(const Metadata& metadata)
    : size_bytes(metadata.size_bytes),
      block_size_bytes(metadata.block_size_bytes),
      sector_size(metadata.logical_sector_size),
      chunk_ratio(kSectorsPerChunk * sector_size / block_size_bytes),
      block_count(divide_up(size_bytes, block_size_bytes)),
      chunk_count(divide_up(block_count, chunk_ratio)),
      entry_count(metadata.has_parent ? chunk_count * (chunk_ratio + 1)
                                      : block_count + (block_count - 1) / chunk_ratio),
      has_parent(metadata.has_parent) {}

std::uint64_t Geometry::bytes_in_block(std::uint64_t block) const {
    return std::min(block_size_bytes, size_bytes - block * block_size_bytes);
}

BlockTable::BlockTable(const ImageView& image, const Geometry& geometry, const Regions& regions)
    : image_(image), geometry_(geometry), regions_(regions), cache_(image_) {
    if (geometry.entry_count > regions.bat.length / kEntryBytes) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("VHDX BAT: the region of {} bytes is too small for {} entries",
                                regions.bat.length, geometry.entry_count)};
    }
}

std::uint64_t BlockTable::raw_entry(std::uint64_t index) const {
    const std::uint64_t offset = regions_.bat.offset + index * kEntryBytes;
    const TableCache::Page page = cache_.page_of(offset);
    return load_u64(*page, offset % limits::kTablePageBytes);
}

BlockEntry BlockTable::block(std::uint64_t block) const {
    ENTREPOT_CHECK(block < geometry_.block_count);
    return decode(block, raw_entry(geometry_.entry_of_block(block)));
}

BlockEntry BlockTable::decode(std::uint64_t block, std::uint64_t raw) const {
    if (raw == 0) return {};
    const std::uint64_t state = raw & kStateMask;
    const auto name = [&] { return block_name(block, geometry_.entry_of_block(block)); };
    if ((raw & kReservedMask) != 0) refuse(name(), raw, "has reserved bits set");
    // In the states without content the offset means nothing, or is a hint for allocators.
    if (state == kNotPresent) return {};
    if (state == kUndefined || state == kZero) return {BlockState::zero, 0};
    if (state == kUnmapped) return {BlockState::unmapped, 0};
    if (state == kPartiallyPresent && !geometry_.has_parent) {
        refuse(name(), raw, "is partially present in an image without a parent");
    }
    if (state != kFullyPresent && state != kPartiallyPresent) {
        refuse(name(), raw, fmt::format("has the reserved state {}", state));
    }
    // Old QEMU ended the file where the disk ends, inside of the last block.
    check_place(name(), raw, geometry_.bytes_in_block(block), geometry_.block_size_bytes);
    return {state == kFullyPresent ? BlockState::present : BlockState::partial, raw & kOffsetMask};
}

void BlockTable::check_place(const std::string& name, std::uint64_t raw,
                             std::uint64_t length_needed, std::uint64_t length_claimed) const {
    const std::uint64_t offset = raw & kOffsetMask;
    const std::uint64_t file_size = image_.size_bytes();
    if (offset < kHeaderSectionBytes) refuse(name, raw, "points into the header section");
    if (offset > file_size || length_needed > file_size - offset) {
        refuse(name, raw,
               fmt::format("points to {} bytes at offset {} in a file of {} bytes", length_needed,
                           offset, file_size));
    }
    for (const FileRange& range : regions_.occupied) {
        if (!range.overlaps(offset, length_claimed)) continue;
        refuse(
            name, raw,
            fmt::format("points to offset {}, into the log or region at offset {} with length {}",
                        offset, range.offset, range.length));
    }
}

std::optional<std::uint64_t> BlockTable::find_bitmap(std::uint64_t chunk) const {
    const std::uint64_t index = geometry_.entry_of_bitmap(chunk);
    const std::uint64_t raw = raw_entry(index);
    const std::uint64_t state = raw & kStateMask;
    const std::string name = fmt::format("entry {} of the bitmap of chunk {}", index, chunk);
    if ((raw & kReservedMask) != 0) refuse(name, raw, "has reserved bits set");
    if (state == kNotPresent) return std::nullopt;
    if (state != kFullyPresent) refuse(name, raw, fmt::format("has the reserved state {}", state));
    check_place(name, raw, kBitmapBlockBytes, kBitmapBlockBytes);
    return raw & kOffsetMask;
}

std::uint64_t BlockTable::skip_empty(std::uint64_t block, std::uint64_t end,
                                     BlockState state) const {
    TableCache::Page page;
    std::uint64_t page_number = 0;
    for (; block < end; ++block) {
        const std::uint64_t offset =
            regions_.bat.offset + geometry_.entry_of_block(block) * kEntryBytes;
        if (!page || offset / limits::kTablePageBytes != page_number) {
            page = cache_.page_of(offset);
            page_number = offset / limits::kTablePageBytes;
        }
        const std::uint64_t raw = load_u64(*page, offset % limits::kTablePageBytes);
        if (decode(block, raw).state != state) return block;
    }
    return end;
}

std::optional<std::string> BlockTable::find_short_last_block() const {
    const std::uint64_t last = geometry_.block_count - 1;
    const std::uint64_t raw = raw_entry(geometry_.entry_of_block(last));
    const std::uint64_t state = raw & kStateMask;
    const std::uint64_t offset = raw & kOffsetMask;
    if (state != kFullyPresent && state != kPartiallyPresent) return std::nullopt;
    if (offset > image_.size_bytes()) return std::nullopt;
    const std::uint64_t room = image_.size_bytes() - offset;
    if (room >= geometry_.block_size_bytes) return std::nullopt;
    return fmt::format("the last block has {} bytes of file space instead of {}", room,
                       geometry_.block_size_bytes);
}

BlockTable::BitRun BlockTable::bit_run(std::uint64_t bitmap_offset, std::uint64_t sector,
                                       std::uint64_t count_max) const {
    BitRun run;
    TableCache::Page page;
    while (run.sector_count < count_max) {
        const std::uint64_t at = sector + run.sector_count;
        const std::uint64_t byte_offset = bitmap_offset + at / 8;
        const std::size_t in_page = byte_offset % limits::kTablePageBytes;
        if (!page || (in_page == 0 && at % 8 == 0)) page = cache_.page_of(byte_offset);
        // Least significant bit first. A byte at a time is eight sectors; equal bytes go by fast.
        const unsigned bits = std::to_integer<unsigned>((*page)[in_page]) >> (at % 8);
        const unsigned bit_count = 8 - static_cast<unsigned>(at % 8);
        if (run.sector_count == 0) run.is_here = (bits & 1) != 0;
        const auto flipped = static_cast<std::uint8_t>(run.is_here ? ~bits : bits);
        const unsigned same = std::min(static_cast<unsigned>(std::countr_zero(flipped)), bit_count);
        run.sector_count += same;
        if (same < bit_count) break;
    }
    run.sector_count = std::min(run.sector_count, count_max);
    return run;
}

void BlockTable::check_aliasing() const {
    SpaceMap space{image_.size_bytes()};
    space.take(0, kHeaderSectionBytes);
    for (const FileRange& range : regions_.occupied)
        space.take(range.offset, range.length);
    const auto take = [&](const std::string& name, std::uint64_t offset, std::uint64_t length) {
        if (space.take(offset, length)) return;
        throw Error{ErrorCode::corrupt,
                    fmt::format("VHDX BAT: {} points to offset {}, whose space another entry or "
                                "structure uses",
                                name, offset)};
    };
    for (std::uint64_t block = 0; block < geometry_.block_count; ++block) {
        const BlockEntry entry = this->block(block);
        if (entry.file_offset == 0) continue;
        take(block_name(block, geometry_.entry_of_block(block)), entry.file_offset,
             geometry_.block_size_bytes);
    }
    for (std::uint64_t chunk = 0; chunk < geometry_.chunk_count; ++chunk) {
        const std::uint64_t index = geometry_.entry_of_bitmap(chunk);
        if (index >= geometry_.entry_count) break;
        const auto bitmap = find_bitmap(chunk);
        if (!bitmap) continue;
        const std::string name = fmt::format("entry {} of the bitmap of chunk {}", index, chunk);
        if (!geometry_.has_parent) {
            refuse(name, *bitmap | kFullyPresent, "is present in an image without a parent");
        }
        take(name, *bitmap, kBitmapBlockBytes);
    }
}

}  // namespace entrepot::disk::vhdx
