// Malformed VHDX, fourth part: parent locators (vhdx.md section 6, rows 17 and 25).
#include "tests/support/vhdx_forge.h"
#include "tests/unit/disk/malformed_rows.h"

#include <fmt/format.h>

namespace entrepot::disk::malformed {
namespace {

using namespace entrepot::test;

const Guid kOther = guid_of("77777777-2222-4333-8444-555555555555");
const std::string kStructure = "VHDX parent locator: ";

// Where the builder puts the locator of a child: two entries, then key and value of each.
constexpr std::uint64_t kItem = 2 * kMiB + 64 * kKiB + 40;
constexpr std::uint64_t kCount = 18;
constexpr std::uint64_t kFirstEntry = 20;
constexpr std::uint64_t kFirstKey = 44;
constexpr std::uint64_t kFirstValue = kFirstKey + 28;
/// The item's entry in the metadata table.
constexpr std::uint64_t kTableEntry = 2 * kMiB + 32 + 5 * 32;

VhdxImageBuilder child() {
    VhdxImageBuilder builder;
    builder.child_of(kOther, ".\\base.vhdx");
    return builder;
}

Row patch_row(std::string name, std::vector<std::string> parts, std::uint64_t offset, Bytes bytes,
              ErrorCode code = ErrorCode::corrupt) {
    parts.push_back(kStructure);
    return {std::move(name), Refused::at_open, code, std::move(parts), [=] {
                return one(forge(child(), {{kItem + offset, bytes}}));
            }};
}

Row item_row(std::string name, std::vector<std::string> parts, const Bytes& item,
             ErrorCode code = ErrorCode::corrupt) {
    return {std::move(name), Refused::at_open, code, std::move(parts), [=] {
                VhdxImageBuilder builder;
                builder.file_flags = 2;
                builder.more_items.push_back({VhdxImageBuilder::kLocator, 4, item, {}});
                return one(builder.build());
            }};
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

Row pairs_row(std::string name, std::vector<std::string> parts, const Pairs& pairs) {
    VhdxImageBuilder builder;
    builder.locator = pairs;
    parts.push_back(kStructure);
    return item_row(std::move(name), std::move(parts), builder.locator_item());
}

std::vector<Row> item_rows() {
    const std::string count = kStructure + "KeyValueCount ";
    const std::string count_at = " at offset 2162746";
    Pairs many;
    for (int index = 0; index < 257; ++index)
        many.emplace_back(fmt::format("k{}", index), "v");
    return {
        {"no locator",
         Refused::at_open,
         ErrorCode::corrupt,
         {"VHDX metadata: Parent Locator is missing", "EntryCount 5 at offset 2097162"},
         [] {
             VhdxImageBuilder builder;
             builder.file_flags = 2;
             return one(builder.build());
         }},
        {"an empty locator",
         Refused::at_open,
         ErrorCode::corrupt,
         {"VHDX metadata: Length of Parent Locator 0 at offset 2097364", "HasParent"},
         [] {
             return one(forge(child(), {{kTableEntry + 16, Bytes(8)}}));
         }},
        item_row("a locator shorter than its header",
                 {kStructure + "item of length 19 at offset 2162728", "header of 20 bytes"},
                 Bytes(19)),
        patch_row("a locator of another kind",
                  {"LocatorType 00000001-d19e-4a81-b789-25b8e9445913 at offset 2162728"}, 0,
                  bytes_u32(1), ErrorCode::unsupported),
        patch_row("no keys", {count + "0" + count_at, "no entries"}, kCount, bytes_u16(0)),
        patch_row("more keys than the item has room for",
                  {count + "65535" + count_at, "does not fit into the item of 196 bytes"}, kCount,
                  bytes_u16(65535)),
        pairs_row("more keys than anybody has", {count + "257" + count_at, "more than 256"}, many),
    };
}

/// Entries that name the same 64 KiB again and again, to be decoded into many times their size.
Bytes multiplying_item() {
    constexpr std::size_t kEntries = 10;
    LittleEndianWriter out;
    out.guid(VhdxImageBuilder::kLocatorType).u16(0).u16(kEntries);
    for (std::size_t index = 0; index < kEntries; ++index) {
        const auto key_length = static_cast<std::uint16_t>(65534 - 2 * index);
        out.u32(20 + 12 * kEntries).u32(20 + 12 * kEntries).u16(key_length).u16(65534);
    }
    for (int unit = 0; unit < 40'000; ++unit)
        out.u16('a');
    return out.take();
}

std::vector<Row> text_rows() {
    return {
        patch_row("an empty key",
                  {"length of Key of entry 0 0 at offset 2162756", "makes it empty"},
                  kFirstEntry + 8, bytes_u16(0)),
        patch_row("an empty value",
                  {"length of Value of entry 0 0 at offset 2162758", "makes it empty"},
                  kFirstEntry + 10, bytes_u16(0)),
        patch_row("a key of an odd length",
                  {"length of Key of entry 0 27 at offset 2162756", "odd"}, kFirstEntry + 8,
                  bytes_u16(27)),
        patch_row("a value of an odd length",
                  {"length of Value of entry 0 75 at offset 2162758", "odd"}, kFirstEntry + 10,
                  bytes_u16(75)),
        patch_row("a key at an odd offset",
                  {"offset of Key of entry 0 45 at offset 2162748", "odd"}, kFirstEntry,
                  bytes_u32(45)),
        patch_row("a value at an odd offset",
                  {"offset of Value of entry 0 45 at offset 2162752", "odd"}, kFirstEntry + 4,
                  bytes_u32(45)),
        patch_row("a key in the locator's header",
                  {"offset of Key of entry 0 0 at offset 2162748", "header"}, kFirstEntry,
                  bytes_u32(0)),
        patch_row("a value in the locator's header",
                  {"offset of Value of entry 0 18 at offset 2162752", "header"}, kFirstEntry + 4,
                  bytes_u32(18)),
        patch_row("a key outside, by a sum that wraps",
                  {"offset of Key of entry 0 4294967294 at offset 2162748",
                   "28 bytes outside of the item of 196 bytes"},
                  kFirstEntry, bytes_u32(0xFFFFFFFE)),
        patch_row("a value outside",
                  {"offset of Value of entry 0 72 at offset 2162752",
                   "65534 bytes outside of the item of 196 bytes"},
                  kFirstEntry + 10, bytes_u16(65534)),
        patch_row("a key with half a surrogate",
                  {"Key of entry 0 0x00d86100720065006e0074005f006c00 at offset 2162772",
                   "no valid UTF-16"},
                  kFirstKey, bytes_u16(0xD800)),
        patch_row("a value with a NUL",
                  {"Value of entry 0 0x0000370037003700", "at offset 2162800", "a NUL"},
                  kFirstValue, bytes_u16(0)),
        item_row("texts of many times the item's size",
                 {kStructure + "length of the texts up to entry 2 393198 at offset", "262144"},
                 multiplying_item(), ErrorCode::limit),
    };
}

std::vector<Row> key_rows() {
    const std::string linkage = "{" + kOther.to_string() + "}";
    const std::string path = ".\\base.vhdx";
    return {
        pairs_row("a key twice", {"Key of entry 2 \"relative_path\" at offset", "a second time"},
                  {{"parent_linkage", linkage}, {"relative_path", path}, {"relative_path", path}}),
        pairs_row("no linkage", {"parent_linkage is missing", "KeyValueCount 1 at offset 2162746"},
                  {{"relative_path", path}}),
        pairs_row("a linkage that is no GUID",
                  {"parent_linkage \"{not?a-guid}\" at offset 2162800", "no GUID"},
                  {{"parent_linkage",
                    "{not\x1b"
                    "a-guid}"},
                   {"relative_path", path}}),
        pairs_row("a second linkage that is no GUID",
                  {"parent_linkage2 \"" + std::string(64, 'x') + "...\" at offset", "no GUID"},
                  {{"parent_linkage", linkage},
                   {"parent_linkage2", std::string(1000, 'x')},
                   {"relative_path", path}}),
        pairs_row("no path",
                  {"a path to the parent is missing", "KeyValueCount 1 at offset 2162746"},
                  {{"parent_linkage", linkage}}),
    };
}

}  // namespace

std::vector<Row> vhdx_locator_rows() {
    std::vector<Row> rows;
    for (const auto part : {item_rows, text_rows, key_rows}) {
        for (Row& row : part())
            rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace entrepot::disk::malformed
