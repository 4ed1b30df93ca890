// Checks of table entries, and bitmaps whose first sector is the most significant bit.
#include "storage/disk/vhd_block_table.h"

#include "storage/disk/big_endian.h"
#include "storage/disk/limits.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace entrepot::disk::vhd {
namespace {

std::uint64_t divide_up(std::uint64_t value, std::uint64_t divisor) {
    return value / divisor + (value % divisor != 0 ? 1 : 0);
}

std::uint32_t load_entry(const Bytes& page, std::size_t offset) {
    return BigEndianReader{ByteView{page}.subspan(offset)}.u32();
}

[[noreturn]] void refuse(const std::string& entry, std::string_view why) {
    throw Error{ErrorCode::corrupt, fmt::format("VHD table: {} {}", entry, why)};
}

}  // namespace

BlockTable::BlockTable(const vhdx::ImageView& view, const DynamicHeader& header,
                       std::uint64_t disk_size, std::uint64_t data_end)
    : table_offset_(header.table_offset),
      block_size_(header.block_size),
      bitmap_bytes_(divide_up(block_size_ / kSectorBytes, kBitsPerSector) * kSectorBytes),
      disk_size_(disk_size),
      block_count_(header.block_count(disk_size)),
      data_end_(data_end),
      occupied_(header.occupied),
      cache_(view) {}

std::uint64_t BlockTable::bytes_in_block(std::uint64_t block) const {
    return std::min(block_size_, disk_size_ - block * block_size_);
}

std::string BlockTable::entry_name(std::uint64_t block, std::uint32_t raw) const {
    return fmt::format("entry {} ({:#010x} at offset {})", block, raw,
                       table_offset_ + block * kTableEntryBytes);
}

std::uint32_t BlockTable::raw_entry(std::uint64_t block) const {
    const std::uint64_t offset = table_offset_ + block * kTableEntryBytes;
    return load_entry(*cache_.page_of(offset), offset % limits::kTablePageBytes);
}

void BlockTable::check_place(std::uint64_t block, std::uint32_t raw) const {
    const std::uint64_t offset = raw * kSectorBytes;
    // Some writer may have ended the file where the disk ends, inside of its last block.
    const std::uint64_t needed = bitmap_bytes_ + bytes_in_block(block);
    if (offset > data_end_ || needed > data_end_ - offset) {
        refuse(entry_name(block, raw),
               fmt::format("points to {} bytes at offset {}, beyond the end of blocks at offset {}",
                           needed, offset, data_end_));
    }
    for (const Structure& structure : occupied_) {
        if (!structure.overlaps(offset, bitmap_bytes_ + block_size_)) continue;
        refuse(entry_name(block, raw),
               fmt::format("points to offset {}, into {} at offset {} with length {}", offset,
                           structure.name, structure.offset, structure.length));
    }
}

std::optional<BlockTable::Place> BlockTable::find_block(std::uint64_t block) const {
    ENTREPOT_CHECK(block < block_count_);
    const std::uint32_t raw = raw_entry(block);
    if (raw == kAbsent) return std::nullopt;
    check_place(block, raw);
    return Place{raw * kSectorBytes, raw * kSectorBytes + bitmap_bytes_};
}

std::uint64_t BlockTable::skip_absent(std::uint64_t block, std::uint64_t end) const {
    vhdx::TableCache::Page page;
    std::uint64_t page_number = 0;
    for (; block < end; ++block) {
        const std::uint64_t offset = table_offset_ + block * kTableEntryBytes;
        if (!page || offset / limits::kTablePageBytes != page_number) {
            page = cache_.page_of(offset);
            page_number = offset / limits::kTablePageBytes;
        }
        if (load_entry(*page, offset % limits::kTablePageBytes) != kAbsent) return block;
    }
    return end;
}

std::optional<std::string> BlockTable::find_short_last_block() const {
    const std::uint32_t raw = raw_entry(block_count_ - 1);
    const std::uint64_t offset = raw * kSectorBytes;
    if (raw == kAbsent || offset > data_end_) return std::nullopt;
    const std::uint64_t room = data_end_ - offset;
    if (room >= bitmap_bytes_ + block_size_) return std::nullopt;
    return fmt::format("the last block has {} bytes of file space instead of {}", room,
                       bitmap_bytes_ + block_size_);
}

BlockTable::BitRun BlockTable::bit_run(std::uint64_t bitmap_offset, std::uint64_t sector,
                                       std::uint64_t count_max) const {
    BitRun run;
    vhdx::TableCache::Page page;
    while (run.sector_count < count_max) {
        const std::uint64_t at = sector + run.sector_count;
        const std::uint64_t byte_offset = bitmap_offset + at / 8;
        const std::size_t in_page = byte_offset % limits::kTablePageBytes;
        if (!page || (in_page == 0 && at % 8 == 0)) page = cache_.page_of(byte_offset);
        // Most significant bit first, unlike VHDX. A byte at a time is eight sectors.
        const auto bits =
            static_cast<std::uint8_t>(std::to_integer<unsigned>((*page)[in_page]) << (at % 8));
        const unsigned bit_count = 8 - static_cast<unsigned>(at % 8);
        if (run.sector_count == 0) run.is_here = (bits & 0x80) != 0;
        const int equal = run.is_here ? std::countl_one(bits) : std::countl_zero(bits);
        const unsigned same = std::min(static_cast<unsigned>(equal), bit_count);
        run.sector_count += same;
        if (same < bit_count) break;
    }
    run.sector_count = std::min(run.sector_count, count_max);
    return run;
}

/// All blocks have one length, so that a bucket of that length holds the start of at most one
/// sound block, and only neighbours need a look. The file is gone through in windows of buckets,
/// which bounds the memory; most files are one window.
void BlockTable::check_aliasing() const {
    const std::uint64_t stride = bitmap_bytes_ + block_size_;
    // No entry points further, however large the file is.
    const std::uint64_t end = std::min(data_end_, kAbsent * kSectorBytes);
    const std::uint64_t bucket_count = end / stride + 1;
    std::vector<std::uint32_t> starts(
        std::min<std::uint64_t>(bucket_count, limits::kVhdAliasBucketsMax));
    // The last bucket of a window is the first of the next: neighbours meet in one of them.
    std::uint64_t first = 0;
    do {
        check_aliasing_from(first, starts);
        first += starts.size() - 1;
    } while (first + 1 < bucket_count);
}

void BlockTable::check_aliasing_from(std::uint64_t bucket,
                                     std::vector<std::uint32_t>& starts) const {
    std::fill(starts.begin(), starts.end(), kAbsent);
    const std::uint64_t stride = (bitmap_bytes_ + block_size_) / kSectorBytes;
    for (std::uint64_t block = skip_absent(0, block_count_); block < block_count_;
         block = skip_absent(block + 1, block_count_)) {
        const std::uint32_t raw = raw_entry(block);
        check_place(block, raw);
        const std::uint64_t number = raw / stride;
        if (number < bucket || number - bucket >= starts.size()) continue;
        const std::size_t at = number - bucket;
        const auto check = [&](std::uint32_t other) {
            if (other == kAbsent || (other > raw ? other - raw : raw - other) >= stride) return;
            refuse(entry_name(block, raw),
                   fmt::format("points to offset {}, whose space the block at offset {} uses",
                               raw * kSectorBytes, other * kSectorBytes));
        };
        check(starts[at]);
        if (at > 0) check(starts[at - 1]);
        if (at + 1 < starts.size()) check(starts[at + 1]);
        starts[at] = raw;
    }
}

}  // namespace entrepot::disk::vhd
