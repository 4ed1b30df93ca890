// Table and bitmaps of a VHD, compared with a reading of the specification that goes one entry and
// one bit at a time. Input: block size, size of the disk in sectors (u16), size of the file in
// units of 16 sectors (u16), count of entries (u8), entries {number u8, sector u32}, then pieces
// {place u16 in 16 bytes, length u8, bytes} of the blocks, which begin at 4096.
#include "storage/disk/vhd_block_table.h"

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/vhd_forge.h"

#include <map>
#include <optional>

namespace entrepot {
namespace {

using disk::vhd::BlockTable;

constexpr std::uint64_t kTable = 1536;
constexpr std::uint64_t kBlocks = 4096;  ///< In the file, where the pieces lie.
constexpr std::uint64_t kEntryCount = 256;
constexpr std::uint32_t kAbsent = 0xFFFFFFFF;
constexpr std::uint64_t kSectorsMax = 512;

struct Image {
    std::uint64_t block_size = 0;
    std::uint64_t disk_size = 0;
    std::uint64_t data_end = 0;
    std::map<std::uint64_t, std::uint32_t> entries;  ///< Those that are not absent.
    test::MemoryFile file;

    std::uint64_t bitmap_bytes() const { return (block_size / 512 + 4095) / 4096 * 512; }
};

void take_image(fuzz::Input& input, Image& image) {
    image.block_size = std::uint64_t{512} << (input.u8() % 19);
    const std::uint64_t size_max = kEntryCount * image.block_size;
    image.disk_size = std::min(size_max, (1 + std::uint64_t{input.u16()}) * 512);
    image.data_end = kBlocks + input.u16() * std::uint64_t{16 * 512};
    const std::size_t count = input.u8();
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t number = input.u8();
        image.entries[number] = input.u32();
        if (image.entries[number] == kAbsent) image.entries.erase(number);
    }
    for (std::uint64_t number = 0; number < kEntryCount; ++number) {
        const auto entry = image.entries.find(number);
        const std::uint32_t sector = entry == image.entries.end() ? kAbsent : entry->second;
        image.file.write(kTable + 4 * number, test::BigEndian{}.u32(sector).take());
    }
    fuzz::take_pieces(input, 16, [&](std::uint64_t offset, ByteView piece) {
        image.file.write(kBlocks + offset, piece);
    });
    image.file.truncate(image.data_end);
}

/// Where a block's bitmap lies; nullopt if the entry is to be refused.
std::optional<std::uint64_t> expected_place(const Image& image, std::uint64_t block,
                                            std::uint32_t sector) {
    const std::uint64_t begin = sector * std::uint64_t{512};
    const std::uint64_t in_disk =
        std::min(image.block_size, image.disk_size - block * image.block_size);
    const std::uint64_t needed = image.bitmap_bytes() + in_disk;
    if (begin > image.data_end || needed > image.data_end - begin) return std::nullopt;
    if (begin < kTable + 4 * kEntryCount) return std::nullopt;
    return begin;
}

/// False if the table is to be refused.
bool check_entries(const Image& image, const BlockTable& table) {
    bool is_sound = true;
    std::uint64_t last = 0;
    for (std::uint64_t block = 0; block < table.block_count(); ++block) {
        const auto entry = image.entries.find(block);
        std::optional<std::uint64_t> expected;
        if (entry != image.entries.end()) expected = expected_place(image, block, entry->second);
        const bool is_refused = entry != image.entries.end() && !expected;
        is_sound = is_sound && !is_refused;
        try {
            const auto place = table.find_block(block);
            fuzz::require(!is_refused, "an entry that points nowhere is refused");
            fuzz::require(place.has_value() == expected.has_value(), "a block is there or is not");
            fuzz::require(!place || (place->bitmap_offset == *expected &&
                                     place->data_offset == *expected + image.bitmap_bytes()),
                          "a block is where its entry says");
        } catch (const Error& error) {
            fuzz::judge(error);
            fuzz::require(is_refused, "a sound entry is not refused");
        }
        if (entry == image.entries.end()) continue;
        fuzz::require(table.skip_absent(last, table.block_count()) == block,
                      "absent blocks are skipped, and no others");
        last = block + 1;
    }
    return is_sound;
}

void check_aliasing(const Image& image, const BlockTable& table, bool is_sound) {
    const std::uint64_t length = image.bitmap_bytes() + image.block_size;
    std::map<std::uint64_t, std::uint64_t> starts;
    for (const auto& [block, sector] : image.entries) {
        if (block >= table.block_count()) continue;
        is_sound = starts.emplace(sector * std::uint64_t{512}, block).second && is_sound;
    }
    std::uint64_t end = 0;
    for (const auto& [start, block] : starts) {
        is_sound = is_sound && start >= end;
        end = start + length;
    }
    try {
        table.check_aliasing();
        fuzz::require(is_sound, "blocks in one place are found");
    } catch (const Error& error) {
        fuzz::judge(error);
        fuzz::require(!is_sound, "blocks in places of their own are not refused");
    }
}

void check_bits(const Image& image, const BlockTable& table) {
    const std::uint64_t count = std::min(image.block_size / 512, kSectorsMax);
    Bytes bits((count + 7) / 8);
    if (image.file.read_some(kBlocks, bits) != bits.size()) return;
    const auto bit = [&](std::uint64_t at) {
        return (std::to_integer<unsigned>(bits[at / 8]) >> (7 - at % 8) & 1) != 0;
    };
    for (std::uint64_t at = 0; at < count;) {
        const auto run = table.bit_run(kBlocks, at, count - at);
        fuzz::require(run.sector_count > 0, "a run has bits");
        for (std::uint64_t i = 0; i < run.sector_count; ++i)
            fuzz::require(bit(at + i) == run.is_here, "a run is of one kind of bits");
        at += run.sector_count;
        fuzz::require(at == count || bit(at) != run.is_here, "a run ends at another bit");
    }
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    fuzz::Input input{data, size};
    Image image;
    take_image(input, image);
    disk::vhd::DynamicHeader header;
    header.table_offset = kTable;
    header.table_entry_count = kEntryCount;
    header.block_size = static_cast<std::uint32_t>(image.block_size);
    header.occupied = {{"all in front of the blocks", 0, kTable + 4 * kEntryCount}};
    const disk::vhdx::ImageView view{image.file, {}, image.file.size()};
    const BlockTable table{view, header, image.disk_size, image.data_end};
    const bool is_sound = check_entries(image, table);
    check_aliasing(image, table, is_sound);
    check_bits(image, table);
    table.find_short_last_block();
    return 0;
}
