// Malformed VHD: footers, dynamic headers, tables and chains (vhdx.md sections 6 and 8).
#include "tests/support/vhd_forge.h"
#include "tests/support/vhdx_forge.h"
#include "tests/unit/disk/malformed_rows.h"

namespace entrepot::disk::malformed {
namespace {

using namespace entrepot::test;

const Guid kParent = guid_of("77777777-2222-4333-8444-555555555555");
// Where the builder puts the footer, and the table of a dynamic image.
constexpr std::uint64_t kEnd = 8 * kMiB;
constexpr std::uint64_t kHeader = 512;

Bytes be32(std::uint64_t value) {
    return BigEndian{}.u32(value).take();
}
Bytes be64(std::uint64_t value) {
    return BigEndian{}.u64(value).take();
}
Bytes letters(const std::string& text) {
    const ByteView view = as_bytes(text);
    return {view.begin(), view.end()};
}

Row vhd_row(std::string name, ErrorCode code, std::vector<std::string> parts,
            std::function<Files()> make, Refused when = Refused::at_open) {
    return {std::move(name), when, code, std::move(parts), std::move(make), &open_vhd};
}

/// Bytes overwritten, with checksums made right.
Row lie_row(std::string name, std::vector<std::string> parts, const VhdImageBuilder& builder,
            std::vector<Patch> patches, ErrorCode code = ErrorCode::corrupt) {
    return vhd_row(std::move(name), code, std::move(parts), [=] {
        auto file = builder.build();
        for (const Patch& patch : patches)
            file->write(patch.offset, patch.bytes);
        const bool is_fixed = builder.type == 2;
        fix_vhd_checksums(*file, builder.file_size_bytes, is_fixed ? 0 : builder.header_offset);
        return one(std::move(file));
    });
}

/// The same lie in both footers.
Row footer_row(std::string name, std::vector<std::string> parts, std::uint64_t offset,
               const Bytes& bytes, ErrorCode code = ErrorCode::corrupt) {
    return lie_row(std::move(name), std::move(parts), small_vhd(),
                   {{offset, bytes}, {kEnd + offset, bytes}}, code);
}

Row header_row(std::string name, std::vector<std::string> parts, std::uint64_t offset,
               const Bytes& bytes, ErrorCode code = ErrorCode::corrupt) {
    parts.push_back("VHD dynamic header (offset 512): ");
    return lie_row(std::move(name), std::move(parts), small_vhd(), {{kHeader + offset, bytes}},
                   code);
}

/// Bytes overwritten, and checksums left wrong.
Row damage_row(std::string name, std::vector<std::string> parts, const VhdImageBuilder& builder,
               std::vector<Patch> patches) {
    return vhd_row(std::move(name), ErrorCode::corrupt, std::move(parts), [=] {
        auto file = builder.build();
        for (const Patch& patch : patches)
            file->write(patch.offset, patch.bytes);
        return one(std::move(file));
    });
}

std::vector<Row> identity_rows() {
    const auto content_row = [](std::string name, std::string content, std::string what) {
        return vhd_row(
            std::move(name), ErrorCode::corrupt,
            {"VHD footer: none (\"conectix\")", what, std::to_string(content.size()) + " bytes"},
            [content] { return one(std::make_unique<MemoryFile>(as_bytes(content), "x.vhd")); });
    };
    VhdImageBuilder fixed = small_vhd();
    fixed.fixed();
    return {
        content_row("no bytes", "", "an empty file"),
        content_row("nothing but zeros", std::string(4096, '\0'), "a file of zeros"),
        content_row("a VHDX", "vhdxfile" + std::string(4096, '\0'), "a VHDX image"),
        content_row("a page", "<html>" + std::string(4096, ' '), "an HTML"),
        damage_row("a fixed image with a wrong checksum",
                   {"the one at offset 4194304 has Checksum 0x", "its bytes give 0x",
                    "the copy at offset 0 lacks the cookie"},
                   fixed, {{4 * kMiB + 80, letters("x")}}),
        damage_row(
            "both checksums wrong",
            {"the one at offset 8388608 has Checksum 0x", "the copy at offset 0 has Checksum"},
            small_vhd(), {{80, letters("x")}, {kEnd + 80, letters("x")}}),
        damage_row(
            "no footer, and a copy with a wrong checksum",
            {"the one at offset 8388608 lacks the cookie", "the copy at offset 0 has Checksum"},
            small_vhd(), {{80, letters("x")}, {kEnd, Bytes(512)}}),
        vhd_row("no footer, and a copy that can be none", ErrorCode::corrupt,
                {"the one at offset 4194304 lacks the cookie",
                 "the copy at offset 0 is of type 2, which has no copy"},
                [fixed] {
                    auto file = fixed.build();
                    file->write(0, fixed.footer());
                    file->write(4 * kMiB, Bytes(512));
                    return one(std::move(file));
                }),
        vhd_row("a VHD larger than any image", ErrorCode::limit,
                {"VHD image of 140737488355329 bytes", "140737488355328"},
                [] {
                    auto file = small_vhd().build();
                    file->truncate(128 * kTiB + 1);
                    return one(std::move(file));
                }),
    };
}

std::vector<Row> footer_rows() {
    const std::string footer = "VHD footer (offset 8388608): ";
    VhdImageBuilder fixed = small_vhd();
    fixed.fixed();
    return {
        footer_row("a later version", {footer + "File Format Version 0x00020000"}, 12,
                   be32(0x00020000), ErrorCode::unsupported),
        footer_row("an unknown type", {footer + "Disk Type 6 is neither"}, 60, be32(6),
                   ErrorCode::unsupported),
        footer_row("a size that is none", {footer + "Current Size 513 is no size"}, 48, be64(513)),
        footer_row("a size of more than 2040 GiB",
                   {footer + "Current Size 2190433321472 is more than 2040 GiB"}, 48,
                   be64(2040 * kGiB + 512)),
        lie_row("two types", {footer + "Disk Type is 3, and 4 in the copy at offset 0"},
                small_vhd(), {{60, be32(4)}}),
        lie_row("two data offsets", {footer + "Data Offset is 512, and 1024 in the copy"},
                small_vhd(), {{16, be64(1024)}}),
        lie_row("two sizes", {footer + "Current Size is 4194304, and 1048576 in the copy"},
                small_vhd(), {{48, be64(kMiB)}}),
        lie_row("a fixed image that is shorter than its disk",
                {"VHD footer: Current Size 8388608 in a fixed image",
                 "4194304 bytes in front of its footer"},
                fixed, {{4 * kMiB + 48, be64(8 * kMiB)}}),
        footer_row("a header outside of the file",
                   {"VHD footer: Data Offset 18446744073709551104", "dynamic header of 1024 bytes",
                    "in front of offset 8388608"},
                   16, be64(~std::uint64_t{511})),
    };
}

std::vector<Row> header_rows() {
    VhdImageBuilder many_blocks = small_vhd();
    many_blocks.size_bytes = 2040 * kGiB;
    many_blocks.block_size_bytes = 512;
    many_blocks.table_entries = 0xFFFFFFFF;
    return {
        header_row("no header", {"lacks the cookie"}, 0, letters("x")),
        damage_row("a header with a wrong checksum",
                   {"VHD dynamic header (offset 512): Checksum is 0x", "its bytes give 0x"},
                   small_vhd(), {{kHeader + 1000, letters("x")}}),
        header_row("a later header version", {"Header Version 0x00020000"}, 24, be32(0x00020000),
                   ErrorCode::unsupported),
        header_row("a block size of 3 sectors", {"Block Size 1536 is no power of two"}, 32,
                   be32(1536)),
        header_row("fewer entries than blocks",
                   {"Max Table Entries 3 are too few for the 4 blocks of 1048576 bytes",
                    "a disk of 4194304 bytes"},
                   28, be32(3)),
        lie_row("more blocks than any",
                {"VHD dynamic header (offset 512): Block Size 512 cuts", "into 4278190080 blocks"},
                many_blocks, {}, ErrorCode::limit),
        header_row("a table outside of the file",
                   {"Table Offset 8388608 is no place for a table of 4 entries",
                    "in front of offset 8388608"},
                   16, be64(kEnd)),
        header_row("a table over the header",
                   {"the dynamic header at offset 512 with length 1024",
                    "the table at offset 1024 with length 16 overlap"},
                   16, be64(1024)),
    };
}

/// A child with one locator at 4096.
VhdImageBuilder child() {
    VhdImageBuilder builder = small_vhd();
    builder.child_of(kParent, "base.vhd");
    builder.locator("W2ru", 512, 4096, VhdxImageBuilder::utf16(".\\base.vhd"));
    return builder;
}

std::vector<Row> parent_rows() {
    const std::string header = "VHD dynamic header (offset 512): ";
    constexpr std::uint64_t kLocator = kHeader + 576;
    return {
        lie_row("no parent", {header + "Parent Unique ID is zero", "Disk Type 4"}, child(),
                {{kHeader + 40, Bytes(16)}}),
        vhd_row("its own parent", ErrorCode::corrupt,
                {header + "Parent Unique ID 77777777-2222-4333-8444-555555555555", "own"},
                [] {
                    VhdImageBuilder builder = child();
                    builder.unique_id = kParent;
                    return one(builder.build());
                }),
        lie_row("a parent's name that is no text", {header + "Parent Unicode Name"}, child(),
                {{kHeader + 64, letters("\xd8")}}),
        lie_row("a locator longer than any",
                {header + "Parent Locator 0 (W2ru, offset 4096, length 65538, space 512)",
                 "longer than 65536 bytes"},
                child(), {{kLocator + 8, be32(65538)}}),
        lie_row("a locator longer than its space",
                {header + "Parent Locator 0 (W2ru, offset 4096, length 600, space 512)",
                 "longer than its space"},
                child(), {{kLocator + 8, be32(600)}}),
        lie_row("a locator outside of the file",
                {header + "Parent Locator 0 (W2ru, offset 18446744073709551608, length 20",
                 "ends beyond offset 8388608"},
                child(), {{kLocator + 16, be64(~std::uint64_t{7})}}),
        lie_row("a locator that is no text",
                {header + "Parent Locator 0 (W2ru, offset 4096, length 20, space 512)",
                 "no valid UTF-16"},
                child(), {{4096, bytes_u16(0xDC00)}}),
    };
}

Row table_row(std::string name, std::vector<std::string> parts, const VhdImageBuilder& builder,
              Refused when = Refused::when_used) {
    parts.push_back("VHD table: ");
    return vhd_row(
        std::move(name), ErrorCode::corrupt, std::move(parts),
        [builder] { return one(builder.build()); }, when);
}

std::vector<Row> table_rows() {
    VhdImageBuilder outside = small_vhd();
    outside.table[2] = 0xFFFFFFFE;
    VhdImageBuilder inside = small_vhd();
    inside.block_at(1, 1024);
    VhdImageBuilder twice = small_vhd();
    twice.block_at(0, 64 * kKiB).block_at(3, 64 * kKiB + kMiB);
    return {
        table_row("a block outside of the file",
                  {"entry 2 (0xfffffffe at offset 1544)", "1049088 bytes at offset 2199023254528",
                   "offset 8388608"},
                  outside),
        table_row("a block over the header",
                  {"entry 1 (0x00000002 at offset 1540) points to offset 1024",
                   "into the dynamic header at offset 512 with length 1024"},
                  inside),
        table_row("a block in another's space",
                  {"entry 3 (0x00000880 at offset 1548) points to offset 1114112",
                   "the block at offset 65536"},
                  twice, Refused::by_aliasing_check),
    };
}

Files two(std::unique_ptr<MemoryFile> leaf, std::unique_ptr<MemoryFile> other) {
    Files files = one(std::move(leaf));
    files.push_back(std::move(other));
    return files;
}

std::vector<Row> family_rows() {
    VhdImageBuilder base = small_vhd();
    base.unique_id = kParent;
    VhdImageBuilder larger = base;
    larger.size_bytes = 3 * kMiB;
    const auto chain_row = [](std::string name, ErrorCode code, std::vector<std::string> parts,
                              std::function<Files()> make) {
        Row row =
            vhd_row(std::move(name), code, std::move(parts), std::move(make), Refused::as_chain);
        row.open = &open_any;
        return row;
    };
    return {
        chain_row(
            "a VHD's parent that is not there", ErrorCode::parent_missing,
            {"offset 0 of the disk", "base.vhd", "unique id 77777777-2222-4333-8444-555555555555"},
            [] { return one(child().build()); }),
        chain_row("a parent of another size", ErrorCode::parent_mismatch,
                  {"disk.vhd is a disk of 4194304 bytes", "base.vhd of 3145728"},
                  [=] { return two(child().build(), larger.build("base.vhd")); }),
        chain_row("two parents", ErrorCode::parent_mismatch,
                  {"disk.vhd needs parent base.vhd",
                   "unique id 77777777-2222-4333-8444-555555555555", "one.vhd and two.vhd"},
                  [=] {
                      Files files = two(child().build(), base.build("one.vhd"));
                      files.push_back(base.build("two.vhd"));
                      return files;
                  }),
        chain_row("a parent of another format", ErrorCode::parent_mismatch,
                  {"disk.vhd is vhd", "base, given as its parent, is raw", "one format"},
                  [=] {
                      VhdImageBuilder builder = child();
                      builder.locators.clear();
                      builder.parent_name = "base";  // Without an extension it may be anything.
                      Files files = one(builder.build());
                      files.push_back(
                          std::make_unique<MemoryFile>(Bytes(4096, std::byte{1}), "base"));
                      return files;
                  }),
    };
}

}  // namespace

std::vector<Row> vhd_rows() {
    std::vector<Row> rows;
    for (const auto part :
         {identity_rows, footer_rows, header_rows, parent_rows, table_rows, family_rows}) {
        for (Row& row : part())
            rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace entrepot::disk::malformed
