// Malformed VHDX, fifth part: the allocation table, bitmaps, and files that change while they are
// read (vhdx.md section 6, rows 14 to 16 and 22). An entry is refused when it is used.
#include "tests/support/vhdx_forge.h"
#include "tests/unit/disk/malformed_rows.h"

namespace entrepot::disk::malformed {
namespace {

using namespace entrepot::test;

const Guid kOther = guid_of("77777777-2222-4333-8444-555555555555");

Row image_row(std::string name, Refused when, std::vector<std::string> parts,
              const VhdxImageBuilder& builder) {
    parts.push_back("VHDX BAT: ");
    return {std::move(name), when, ErrorCode::corrupt, std::move(parts),
            [builder] { return one(builder.build()); }};
}

/// The entry of block 3, which lies at offset 3145752.
Row entry_row(std::string name, std::vector<std::string> parts, std::uint64_t raw) {
    parts.push_back("entry 3 of block 3 0x");
    parts.push_back(" at offset 3145752 ");
    VhdxImageBuilder builder;
    builder.block(3, raw);
    return image_row(std::move(name), Refused::when_used, std::move(parts), builder);
}

VhdxImageBuilder partial_child() {
    VhdxImageBuilder builder;
    builder.child_of(kOther, ".\\base.vhdx");
    return builder.block(0, 7, 8 * kMiB);
}

/// The entry of the bitmap of a child whose first block is partial; it lies at offset 3162112.
Row bitmap_row(std::string name, std::vector<std::string> parts, std::uint64_t raw) {
    parts.push_back("entry 2048 of the bitmap of chunk 0 0x");
    parts.push_back(" at offset 3162112 ");
    VhdxImageBuilder builder = partial_child();
    builder.bitmap(0, 0, raw);
    return image_row(std::move(name), Refused::when_used, std::move(parts), builder);
}

std::vector<Row> entry_rows() {
    return {
        entry_row("reserved bits", {"0x000000000080000e", "reserved bits"}, 6 | 8 | 8 * kMiB),
        entry_row("a reserved state", {"0x0000000000000004", "the reserved state 4"}, 4),
        entry_row("a partial block without a parent",
                  {"0x0000000000800007", "in an image without a parent"}, 7 | 8 * kMiB),
        entry_row("a block over the headers", {"0x0000000000000006", "header section"}, 6),
        entry_row("a block behind the end",
                  {"0xfffffffffff00006", "2097152 bytes at 18446744073708503040",
                   "a file of 16777216 bytes"},
                  6 | ~std::uint64_t{0xFFFFF}),
        entry_row("a block over the BAT",
                  {"0x0000000000300006", "points to 3145728",
                   "the log or region at 3145728 with length 1048576"},
                  6 | 3 * kMiB),
    };
}

std::vector<Row> bitmap_rows() {
    VhdxImageBuilder none = partial_child();
    return {
        image_row("a partial block without a bitmap", Refused::when_used,
                  {"entry 0 of block 0 0x0000000000800007 at offset 3145728",
                   "entry 2048 of the bitmap of chunk 0 at 3162112", "no bitmap"},
                  none),
        bitmap_row("reserved bits of a bitmap", {"0x000000000050000e", "reserved bits"},
                   6 | 8 | 5 * kMiB),
        bitmap_row("a reserved state of a bitmap", {"0x0000000000500007", "reserved state 7"},
                   7 | 5 * kMiB),
        bitmap_row("a bitmap over the headers", {"0x0000000000000006", "header section"}, 6),
        bitmap_row("a bitmap behind the end",
                   {"0x0000000001000006", "1048576 bytes at 16777216 in a file of 16777216 bytes"},
                   6 | 16 * kMiB),
        bitmap_row("a bitmap over the log", {"0x0000000000100006", "the log or region at 1048576"},
                   6 | kMiB),
    };
}

std::vector<Row> space_rows() {
    VhdxImageBuilder small;
    small.size_bytes = kTiB;
    VhdxImageBuilder twice;
    twice.block(0, 6, 8 * kMiB).block(7, 6, 9 * kMiB);
    VhdxImageBuilder bitmap = partial_child();
    bitmap.bitmap(0, 9 * kMiB);
    VhdxImageBuilder stray;
    stray.size_bytes = 8 * kGiB;
    stray.bitmap(0, 5 * kMiB);
    return {
        image_row("a BAT too small for its disk", Refused::at_open,
                  {"1048576 bytes at offset 3145728", "too small for 524543 entries",
                   "1099511627776 bytes in blocks of 2097152"},
                  small),
        image_row("a block in another's space", Refused::by_aliasing_check,
                  {"entry 7 of block 7 0x0000000000900006 at offset 3145784 points to 9437184",
                   "another entry"},
                  twice),
        image_row("a bitmap in a block's space", Refused::by_aliasing_check,
                  {"entry 2048 of the bitmap of chunk 0 0x0000000000900006 at offset 3162112",
                   "points to 9437184", "another entry"},
                  bitmap),
        image_row("a bitmap in an image without a parent", Refused::by_aliasing_check,
                  {"entry 2048 of the bitmap of chunk 0 0x0000000000500006 at offset 3162112",
                   "without a parent"},
                  stray),
    };
}

}  // namespace

std::vector<Row> vhdx_table_rows() {
    std::vector<Row> rows;
    for (const auto part : {entry_rows, bitmap_rows, space_rows}) {
        for (Row& row : part())
            rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace entrepot::disk::malformed
