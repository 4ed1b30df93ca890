// Allocation table and bitmaps, compared with a reading of the specification that goes one entry
// and one bit at a time. Input: options, block size, size of the disk (u16), size of the file in
// MiB (u8), count of entries (u8), entries {index u16, place in MiB u16, low bits u8}, then pieces
// of the bitmap at 4 MiB {place u16, length u8, bytes}.
#include "storage/disk/block_table.h"

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/memory_file.h"

#include "base/little_endian.h"

#include <map>

namespace entrepot {
namespace {

using disk::vhdx::BlockState;
using disk::vhdx::BlockTable;
using disk::vhdx::Geometry;

enum Options : unsigned { is_child = 1, has_large_sectors = 2 };
constexpr std::uint64_t kTable = 2 * kMiB;
constexpr std::uint64_t kBitmap = 4 * kMiB;
constexpr std::uint64_t kBlocksMax = 4096;
constexpr std::uint64_t kBitsMax = 20'000;

disk::vhdx::Metadata take_metadata(fuzz::Input& input) {
    const unsigned options = input.u8();
    disk::vhdx::Metadata metadata;
    metadata.has_parent = (options & is_child) != 0;
    metadata.logical_sector_size = (options & has_large_sectors) != 0 ? 4096 : 512;
    metadata.physical_sector_size = 4096;
    metadata.block_size_bytes = static_cast<std::uint32_t>(kMiB << (input.u8() % 9));
    metadata.size_bytes = metadata.logical_sector_size * (1 + input.u16() * std::uint64_t{97});
    return metadata;
}

struct TableFile {
    test::MemoryFile file;
    std::map<std::uint64_t, std::uint64_t> entries;  ///< Those that are not zero.
};

void take_file(fuzz::Input& input, TableFile& image) {
    const std::uint64_t file_size = (5 + input.u8()) * kMiB;
    const std::size_t count = input.u8();
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t index = input.u16();
        const std::uint64_t place = input.u16();
        image.entries[index] = place * kMiB | input.u8();
    }
    for (const auto& [index, raw] : image.entries) {
        Bytes bytes(8);
        store_u64(bytes, 0, raw);
        image.file.write(kTable + 8 * index, bytes);
    }
    fuzz::take_pieces(input, 16, [&](std::uint64_t offset, ByteView piece) {
        image.file.write(kBitmap + offset, piece);
    });
    image.file.truncate(file_size);
}

/// True if the bytes from a place on are neither headers nor regions.
bool is_free_space(std::uint64_t offset, std::uint64_t needed, std::uint64_t claimed,
                   std::uint64_t file_size) {
    if (offset < kMiB || offset > file_size || needed > file_size - offset) return false;
    return offset >= kTable + kMiB || offset + claimed <= kTable;
}

/// What MS-VHDX 2.5.1.1 says of an entry; nullopt if it is to be refused.
std::optional<disk::vhdx::BlockEntry> expected_entry(const Geometry& geometry, std::uint64_t block,
                                                     std::uint64_t raw, std::uint64_t file_size) {
    const std::uint64_t state = raw & 7;
    const std::uint64_t offset = raw >> 20 << 20;
    if ((raw & 0xFFFF8) != 0) return std::nullopt;
    if (state == 0) return disk::vhdx::BlockEntry{};
    if (state == 1 || state == 2) return disk::vhdx::BlockEntry{BlockState::zero, 0};
    if (state == 3) return disk::vhdx::BlockEntry{BlockState::unmapped, 0};
    if (state < 6 || (state == 7 && !geometry.has_parent)) return std::nullopt;
    const std::uint64_t needed = geometry.bytes_in_block(block);
    if (!is_free_space(offset, needed, geometry.block_size_bytes, file_size)) return std::nullopt;
    return disk::vhdx::BlockEntry{state == 6 ? BlockState::present : BlockState::partial, offset};
}

std::optional<disk::vhdx::BlockEntry> entry_of(const BlockTable& table, std::uint64_t block) {
    try {
        return table.block(block);
    } catch (const Error& error) {
        fuzz::judge(error);
        return std::nullopt;
    }
}

using Entries = std::vector<std::optional<disk::vhdx::BlockEntry>>;

/// From every block that begins a run of one kind.
void check_skip(const BlockTable& table, const Entries& entries) {
    for (std::uint64_t begin = 0; begin < entries.size();) {
        if (!entries[begin]) return;  // The table is to be refused here.
        const BlockTable::Empty kind = table.empty_kind(entries[begin]->state);
        std::uint64_t end = begin;
        while (end < entries.size() && entries[end] &&
               table.empty_kind(entries[end]->state) == kind)
            ++end;
        try {
            if (kind != BlockTable::Empty::no) {
                fuzz::require(table.skip_empty(begin, entries.size(), kind) == end,
                              "a run of blocks ends where the first other one is");
            }
        } catch (const Error& error) {
            fuzz::judge(error);
            fuzz::require(end < entries.size() && !entries[end],
                          "a run of sound blocks is not refused");
        }
        begin = end;
    }
}

void check_bits(const BlockTable& table, const test::MemoryFile& file, std::uint64_t bitmap) {
    Bytes bits(kBitsMax / 8);
    if (file.read_some(bitmap, bits) != bits.size()) return;
    const auto bit = [&](std::uint64_t at) {
        return (std::to_integer<unsigned>(bits[at / 8]) >> (at % 8) & 1) != 0;
    };
    for (std::uint64_t at = 0; at < kBitsMax;) {
        const auto run = table.bit_run(bitmap, at, kBitsMax - at);
        fuzz::require(run.sector_count > 0, "a run has bits");
        for (std::uint64_t i = 0; i < run.sector_count; ++i)
            fuzz::require(bit(at + i) == run.is_here, "a run is of one kind of bits");
        at += run.sector_count;
        fuzz::require(at == kBitsMax || bit(at) != run.is_here, "a run ends at another bit");
    }
}

/// Where aliasing is not found there is none: blocks are taken one MiB at a time.
void check_aliasing(const BlockTable& table, const Geometry& geometry, const Entries& entries) {
    bool is_sound = true;
    std::map<std::uint64_t, std::uint64_t> owners;
    for (const auto& entry : entries) {
        if (!entry) is_sound = false;
        if (!entry || entry->file_offset == 0) continue;
        for (std::uint64_t at = 0; at < geometry.block_size_bytes; at += kMiB)
            is_sound = ++owners[entry->file_offset + at] == 1 && is_sound;
    }
    try {
        table.check_aliasing();
        fuzz::require(is_sound, "blocks in one place are found");
    } catch (const Error& error) {
        fuzz::judge(error);
    }
}

void check_table(const TableFile& image, const disk::vhdx::Metadata& metadata) {
    const Geometry geometry{metadata};
    const disk::vhdx::ImageView view{image.file, {}, image.file.size()};
    const BlockTable table{view, geometry, {{kTable, kMiB}, {}, {{kTable, kMiB}}}};
    const std::uint64_t count = std::min(geometry.block_count, kBlocksMax);
    Entries entries;
    for (std::uint64_t block = 0; block < count; ++block) {
        const auto raw = image.entries.find(geometry.entry_of_block(block));
        const std::uint64_t value = raw == image.entries.end() ? 0 : raw->second;
        entries.push_back(expected_entry(geometry, block, value, image.file.size()));
        fuzz::require(entry_of(table, block) == entries.back(), "an entry means what is specified");
        if (!entries.back() || entries.back()->state != BlockState::partial) continue;
        fuzz::allow_refusal([&] { table.bitmap_of_block(block); });
    }
    check_skip(table, entries);
    check_bits(table, image.file, kBitmap);
    if (count == geometry.block_count) check_aliasing(table, geometry, entries);
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    fuzz::Input input{data, size};
    const auto metadata = take_metadata(input);
    TableFile image;
    take_file(input, image);
    fuzz::allow_refusal([&] { check_table(image, metadata); });
    return 0;
}
