// Interleaving, states and checks of table entries (MS-VHDX 2.5.1; vhdx.md section 2).
#include "storage/disk/block_table.h"

#include "storage/disk/limits.h"
#include "storage/disk/refusal.h"
#include "storage/disk/space_map.h"

#include "base/check.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace entrepot::disk::vhdx {
namespace {

constexpr std::uint64_t kEntryBytes = 8;
constexpr std::size_t kSameProbeBytes = 4 * kKiB;
constexpr std::size_t kScanBytes = 256 * kKiB;

std::uint64_t divide_up(std::uint64_t value, std::uint64_t divisor) {
    return value / divisor + (value % divisor != 0 ? 1 : 0);
}

[[noreturn]] void refuse(const EntryPlace& place, std::uint64_t raw, std::string_view why) {
    refuse_field(ErrorCode::corrupt, {"VHDX BAT", place.name, hex64(raw), place.offset}, why);
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
    : image_(image), geometry_(geometry), regions_(regions), cache_(image_), holes_(image_.file()) {
    if (geometry.entry_count > regions.bat.length / kEntryBytes) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("VHDX BAT: the region of {} bytes at offset {} is too small for "
                                "{} entries, which a disk of {} bytes in blocks of {} needs",
                                regions.bat.length, regions.bat.offset, geometry.entry_count,
                                geometry.size_bytes, geometry.block_size_bytes)};
    }
}

EntryPlace BlockTable::place_of_block(std::uint64_t block) const {
    const std::uint64_t index = geometry_.entry_of_block(block);
    return {fmt::format("entry {} of block {}", index, block),
            regions_.bat.offset + index * kEntryBytes};
}

EntryPlace BlockTable::place_of_bitmap(std::uint64_t chunk) const {
    const std::uint64_t index = geometry_.entry_of_bitmap(chunk);
    return {fmt::format("entry {} of the bitmap of chunk {}", index, chunk),
            regions_.bat.offset + index * kEntryBytes};
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
    const auto refuse_block = [&](std::string_view why) {
        refuse(place_of_block(block), raw, why);
    };
    if ((raw & kReservedMask) != 0) refuse_block("has reserved bits set");
    // In the states without content the offset means nothing, or is a hint for allocators.
    if (state == kNotPresent) return {};
    if (state == kUndefined || state == kZero) return {BlockState::zero, 0};
    if (state == kUnmapped) return {BlockState::unmapped, 0};
    if (state == kPartiallyPresent && !geometry_.has_parent) {
        refuse_block("is partially present in an image without a parent");
    }
    if (state != kFullyPresent && state != kPartiallyPresent) {
        refuse_block(fmt::format("has the reserved state {}", state));
    }
    // Old QEMU ended the file where the disk ends, inside of the last block.
    check_place(raw, geometry_.bytes_in_block(block), geometry_.block_size_bytes,
                [&] { return place_of_block(block); });
    return {state == kFullyPresent ? BlockState::present : BlockState::partial, raw & kOffsetMask};
}

void BlockTable::check_place(std::uint64_t raw, std::uint64_t length_needed,
                             std::uint64_t length_claimed,
                             const std::function<EntryPlace()>& place) const {
    const std::uint64_t offset = raw & kOffsetMask;
    const std::uint64_t file_size = image_.size_bytes();
    if (offset < kHeaderSectionBytes) refuse(place(), raw, "points into the header section");
    if (offset > file_size || length_needed > file_size - offset) {
        refuse(place(), raw,
               fmt::format("points to {} bytes at {} in a file of {} bytes", length_needed, offset,
                           file_size));
    }
    for (const FileRange& range : regions_.occupied) {
        if (!range.overlaps(offset, length_claimed)) continue;
        refuse(place(), raw,
               fmt::format("points to {}, into the log or region at {} with length {}", offset,
                           range.offset, range.length));
    }
}

std::optional<std::uint64_t> BlockTable::find_bitmap(std::uint64_t chunk) const {
    const std::uint64_t raw = raw_entry(geometry_.entry_of_bitmap(chunk));
    const std::uint64_t state = raw & kStateMask;
    const auto place = [&] { return place_of_bitmap(chunk); };
    if ((raw & kReservedMask) != 0) refuse(place(), raw, "has reserved bits set");
    if (state == kNotPresent) return std::nullopt;
    if (state != kFullyPresent) {
        refuse(place(), raw, fmt::format("has the reserved state {}", state));
    }
    check_place(raw, kBitmapBlockBytes, kBitmapBlockBytes, place);
    return raw & kOffsetMask;
}

std::uint64_t BlockTable::bitmap_of_block(std::uint64_t block) const {
    const std::uint64_t chunk = block / geometry_.chunk_ratio;
    const auto bitmap = find_bitmap(chunk);
    if (!bitmap) {
        const EntryPlace place = place_of_bitmap(chunk);
        refuse(place_of_block(block), raw_entry(geometry_.entry_of_block(block)),
               fmt::format("is partially present, but {} at {} says that there is no bitmap",
                           place.name, place.offset));
    }
    return *bitmap;
}

/// The first entry behind `index` that is not the same, or at least one that is further on. A table
/// of 64 TiB that holds little is nearly nothing but equal entries and holes of the file.
std::uint64_t BlockTable::skip_same(std::uint64_t index) const {
    const std::uint64_t offset = regions_.bat.offset + index * kEntryBytes;
    const std::uint64_t length_max = (geometry_.entry_count - index) * kEntryBytes;
    const HoleMap::Run run = holes_.run_at(offset, length_max, kEntryBytes);
    if (run.is_hole && image_.is_plain(offset, run.length)) return index + run.length / kEntryBytes;

    const TableCache::Page page = cache_.page_of(offset);
    const std::size_t begin = offset % limits::kTablePageBytes;
    const std::size_t end = std::min<std::uint64_t>(page->size(), begin + length_max);
    // Each entry is compared with its neighbour, many at a time where that goes well.
    const auto are_same = [&](std::size_t at, std::size_t length) {
        return std::memcmp(page->data() + at, page->data() + at + kEntryBytes, length) == 0;
    };
    std::size_t at = begin;
    while (end - at > kSameProbeBytes && are_same(at, kSameProbeBytes))
        at += kSameProbeBytes;
    while (end - at > kEntryBytes && are_same(at, kEntryBytes))
        at += kEntryBytes;
    return index + (at - begin) / kEntryBytes + 1;
}

BlockTable::Empty BlockTable::empty_kind(BlockState state) const {
    switch (state) {
        case BlockState::not_present:
            return geometry_.has_parent ? Empty::parent : Empty::zero;
        case BlockState::zero:
            return Empty::zero;
        case BlockState::unmapped:
            return Empty::unmapped;
        case BlockState::present:
        case BlockState::partial:
            return Empty::no;
    }
    return Empty::no;
}

std::uint64_t BlockTable::skip_empty(std::uint64_t block, std::uint64_t end, Empty kind) const {
    while (block < end) {
        const std::uint64_t index = geometry_.entry_of_block(block);
        if (empty_kind(decode(block, raw_entry(index)).state) != kind) return block;
        block = geometry_.block_at_entry(skip_same(index));
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
    const auto take = [&](std::uint64_t offset, std::uint64_t length, const auto& place_of) {
        if (!space.take(offset, length)) return;
        const EntryPlace place = place_of();
        refuse(place, raw_entry((place.offset - regions_.bat.offset) / kEntryBytes),
               fmt::format("points to {}, whose space another entry or structure uses", offset));
    };
    for (std::uint64_t block = 0; block < geometry_.block_count; ++block) {
        const BlockEntry entry = this->block(block);
        if (entry.file_offset == 0) {
            block = skip_empty(block, geometry_.block_count, empty_kind(entry.state)) - 1;
            continue;
        }
        take(entry.file_offset, geometry_.block_size_bytes, [&] { return place_of_block(block); });
    }
    for (std::uint64_t chunk = 0; chunk < geometry_.chunk_count; ++chunk) {
        const std::uint64_t index = geometry_.entry_of_bitmap(chunk);
        if (index >= geometry_.entry_count) break;
        const auto bitmap = find_bitmap(chunk);
        if (!bitmap) continue;
        if (!geometry_.has_parent) {
            refuse(place_of_bitmap(chunk), *bitmap | kFullyPresent,
                   "is present in an image without a parent");
        }
        take(*bitmap, kBitmapBlockBytes, [&] { return place_of_bitmap(chunk); });
    }
}

bool BlockTable::has_content(std::uint64_t block, BlockState state) const {
    if (state != BlockState::partial) return state == BlockState::present;
    const std::uint64_t sectors = geometry_.block_size_bytes / geometry_.sector_size;
    const std::uint64_t first = block % geometry_.chunk_ratio * sectors;
    const BitRun run = bit_run(bitmap_of_block(block), first, sectors);
    return run.is_here || run.sector_count < sectors;
}

bool BlockTable::is_zero_in_file(std::uint64_t offset, std::uint64_t length) const {
    Bytes buffer(kScanBytes);
    for (std::uint64_t done = 0; done < length; done += kScanBytes) {
        const auto count =
            static_cast<std::size_t>(std::min<std::uint64_t>(kScanBytes, length - done));
        const MutableByteView part{buffer.data(), count};
        image_.read(offset + done, part);
        if (!is_zero(part)) return false;
    }
    return true;
}

UnwrittenBlocks BlockTable::find_unwritten_blocks() const {
    const HoleMap holes{image_.file()};
    UnwrittenBlocks found;
    struct Place {
        std::uint64_t offset = 0;
        std::uint64_t length = 0;
    } last;
    const auto look_at = [&](std::uint64_t offset, std::uint64_t length) {
        ++found.content_count;
        if (offset > last.offset) last = {offset, length};
        // What the log adds is in memory only.
        if (offset >= image_.file().size() || !image_.is_plain(offset, length)) return;
        if (!holes.run_at(offset, length, length).is_hole) return;
        found.first_offset = found.count == 0 ? offset : std::min(found.first_offset, offset);
        ++found.count;
    };
    for (std::uint64_t block = 0; block < geometry_.block_count; ++block) {
        const BlockEntry entry = this->block(block);
        if (entry.file_offset == 0) {
            block = skip_empty(block, geometry_.block_count, empty_kind(entry.state)) - 1;
            continue;
        }
        if (has_content(block, entry.state)) {
            look_at(entry.file_offset, geometry_.bytes_in_block(block));
        }
    }
    for (std::uint64_t chunk = 0; chunk < geometry_.chunk_count; ++chunk) {
        const std::uint64_t index = geometry_.entry_of_bitmap(chunk);
        if (index >= geometry_.entry_count) break;
        if (const auto bitmap = find_bitmap(chunk)) look_at(*bitmap, kBitmapBlockBytes);
    }
    found.ends_in_zeros = last.offset != 0 && is_zero_in_file(last.offset, last.length);
    return found;
}

}  // namespace entrepot::disk::vhdx
