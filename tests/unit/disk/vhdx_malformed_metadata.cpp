// Malformed VHDX, third part: metadata (vhdx.md section 6, rows 10 to 13 and 21).
#include "tests/support/vhdx_forge.h"
#include "tests/unit/disk/malformed_rows.h"

#include <fmt/format.h>

namespace entrepot::disk::malformed {
namespace {

using namespace entrepot::test;

const Guid kOther = guid_of("77777777-2222-4333-8444-555555555555");
const std::string kOtherItem = " of item 77777777-2222-4333-8444-555555555555 ";
const std::string kStructure = "VHDX metadata: ";

// Where the builder puts the table, its entries, and the items in their order.
constexpr std::uint64_t kTable = 2 * kMiB;
constexpr std::uint64_t kItems = kTable + 64 * kKiB;
constexpr std::uint64_t kSizeItem = kItems + 8;
constexpr std::uint64_t kLogicalItem = kItems + 16;
constexpr std::uint64_t kPhysicalItem = kItems + 20;
constexpr std::uint64_t entry_at(std::uint64_t index) {
    return kTable + 32 + 32 * index;
}
constexpr std::uint64_t kSixthEntry = entry_at(5);

Row patch_row(std::string name, std::vector<std::string> parts, std::uint64_t offset, Bytes bytes,
              ErrorCode code = ErrorCode::corrupt) {
    return {std::move(name), Refused::at_open, code, std::move(parts), [=] {
                return one(forge({}, {{offset, bytes}}));
            }};
}

/// A sixth item, which no image needs. Its entry lies at offset 2097344.
Row item_row(std::string name, std::vector<std::string> parts, const VhdxItem& item,
             ErrorCode code = ErrorCode::corrupt) {
    return {std::move(name), Refused::at_open, code, std::move(parts), [=] {
                VhdxImageBuilder builder;
                builder.more_items.push_back(item);
                return one(builder.build());
            }};
}

/// The same, with a lie in its entry.
Row entry_row(std::string name, std::vector<std::string> parts, std::uint64_t offset, Bytes bytes) {
    return {std::move(name), Refused::at_open, ErrorCode::corrupt, std::move(parts), [=] {
                VhdxImageBuilder builder;
                builder.more_items.push_back({kOther, 0, Bytes(16), {}});
                return one(forge(builder, {{kSixthEntry + offset, bytes}}));
            }};
}

std::vector<Row> table_rows() {
    const std::string entry = "at offset 2097344";
    return {
        patch_row("no metadata", {kStructure + "signature 0x6e65746164617461 at offset 2097152"},
                  kTable, Bytes(as_bytes("netadata").begin(), as_bytes("netadata").end())),
        patch_row("too many items",
                  {kStructure + "EntryCount 2048 at offset 2097162", "more than 2047"}, kTable + 10,
                  bytes_u16(2048)),
        entry_row("an item without identity",
                  {kStructure + "ItemId 00000000-0000-0000-0000-000000000000 " + entry,
                   "identifies no item"},
                  0, Bytes(16)),
        item_row("a user's item that is required",
                 {kStructure + "flags" + kOtherItem + "0x00000005 at offset 2097368",
                  "item of a user required"},
                 {kOther, 5, Bytes(8), {}}),
        entry_row("an empty item with a place",
                  {kStructure + "Offset" + kOtherItem + "65576 at offset 2097360", "must be 0"}, 20,
                  bytes_u32(0)),
        entry_row(
            "an item of 2 MiB",
            {kStructure + "Length" + kOtherItem + "2097152 at offset 2097364", "more than 1 MiB"},
            20, bytes_u32(2 * kMiB)),
        entry_row("an item in the table",
                  {kStructure + "Offset" + kOtherItem + "0 at offset 2097360", "lies in the table"},
                  16, bytes_u32(0)),
        entry_row("an item outside of the region",
                  {kStructure + "Offset" + kOtherItem + "4294967280 at offset 2097360",
                   "16 bytes beyond the end of the region of 1048576 bytes"},
                  16, bytes_u32(0xFFFFFFF0)),
        entry_row(
            "an item twice",
            {kStructure + "ItemId 2fa54224-cd1b-4876-b211-5dbed83bf4b8 " + entry, "a second time"},
            0, LittleEndianWriter{}.guid(VhdxImageBuilder::kSize).take()),
        entry_row("an item over another",
                  {kStructure + "Offset" + kOtherItem + "65550 at offset 2097360",
                   "overlaps Virtual Disk Size at 65544 with length 8"},
                  16, bytes_u32(65550)),
        {"more items of users than there may be",
         Refused::at_open,
         ErrorCode::corrupt,
         {kStructure + "ItemId 00000401-", "at offset 2130112", "one user item more than 1024"},
         [] {
             VhdxImageBuilder builder;
             for (unsigned index = 1; index <= 1025; ++index) {
                 const std::string id = fmt::format("{:08x}-2222-4333-8444-555555555555", index);
                 builder.more_items.push_back({guid_of(id.c_str()), 1, {}, {}});
             }
             return one(builder.build());
         }},
        item_row("a file that its host has not finished",
                 {"still being written", "71cc85f0-1b69-4e28-9558-c3bf83ae75d3", entry},
                 {VhdxImageBuilder::kIncomplete, 4, {}, {}}, ErrorCode::conflict),
        item_row("an unknown item that is required",
                 {kStructure + "flags" + kOtherItem + "0x00000004 at offset 2097368", "not known"},
                 {kOther, 4, Bytes(8), {}}, ErrorCode::unsupported),
    };
}

/// The five items that each image needs: missing, and of another length.
std::vector<Row> needed_item_rows() {
    struct Needed {
        const char* name;
        Guid id;
        std::uint64_t entry;
    };
    const Needed items[] = {
        {"File Parameters", VhdxImageBuilder::kParameters, 0},
        {"Virtual Disk Size", VhdxImageBuilder::kSize, 1},
        {"Virtual Disk ID", VhdxImageBuilder::kDiskId, 4},
        {"Logical Sector Size", VhdxImageBuilder::kLogical, 2},
        {"Physical Sector Size", VhdxImageBuilder::kPhysical, 3},
    };
    std::vector<Row> rows;
    for (const Needed& item : items) {
        const std::uint64_t entry = entry_at(item.entry);
        const std::string name = item.name;
        rows.push_back({"no " + name,
                        Refused::at_open,
                        ErrorCode::corrupt,
                        {kStructure + name + " is missing", "EntryCount 5 at offset 2097162"},
                        [=] {
                            // The entry becomes one of an item that nobody knows or needs.
                            return one(forge({}, {{entry, LittleEndianWriter{}.guid(kOther).take()},
                                                  {entry + 24, bytes_u32(0)}}));
                        }});
        rows.push_back(patch_row(
            name + " of 2 bytes",
            {fmt::format("{}Length of {} 2 at offset {} should be", kStructure, name, entry + 20)},
            entry + 20, bytes_u32(2)));
    }
    return rows;
}

std::vector<Row> value_rows() {
    const std::string block = kStructure + "BlockSize ";
    const std::string size = kStructure + "VirtualDiskSize ";
    return {
        patch_row("unknown flags of the file",
                  {kStructure + "flags of File Parameters 0x00000004 at offset 2162692"},
                  kItems + 4, bytes_u32(4), ErrorCode::unsupported),
        patch_row("block size 0", {block + "0 at offset 2162688", "no power of two"}, kItems,
                  bytes_u32(0)),
        patch_row("a small block size", {block + "524288 at offset 2162688", "less than 1 MiB"},
                  kItems, bytes_u32(512 * kKiB)),
        patch_row("a large block size",
                  {block + "536870912 at offset 2162688", "more than 256 MiB"}, kItems,
                  bytes_u32(512 * kMiB)),
        patch_row("logical sector size 0",
                  {kStructure + "LogicalSectorSize 0 at offset 2162704", "neither 512 nor 4096"},
                  kLogicalItem, bytes_u32(0)),
        patch_row("physical sector size 520",
                  {kStructure + "PhysicalSectorSize 520 at offset 2162708", "neither"},
                  kPhysicalItem, bytes_u32(520)),
        patch_row("a disk of no size", {size + "0 at offset 2162696", "no disk"}, kSizeItem,
                  bytes_u64(0)),
        patch_row("a disk of more than 64 TiB",
                  {size + "70368744178176 at offset 2162696", "more than 64 TiB"}, kSizeItem,
                  bytes_u64(64 * kTiB + 512)),
        patch_row("a disk of half a sector more",
                  {size + "1048832 at offset 2162696", "no multiple of the sector size 512"},
                  kSizeItem, bytes_u64(kMiB + 256)),
    };
}

}  // namespace

std::vector<Row> vhdx_metadata_rows() {
    std::vector<Row> rows;
    for (const auto part : {table_rows, needed_item_rows, value_rows}) {
        for (Row& row : part())
            rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace entrepot::disk::malformed
