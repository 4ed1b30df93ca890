// Damaged and contradictory VHDs: each is refused in words that name structure, field, value and
// offset, when it is opened or when the bad entry is used.
#include "storage/disk/disk_image.h"
#include "storage/disk/image_check.h"
#include "storage/disk/limits.h"

#include "base/error.h"
#include "tests/support/vhd_image_builder.h"

#include <catch2/catch.hpp>
#include <functional>

namespace entrepot::disk {
namespace {

using test::MemoryFile;
using test::VhdImageBuilder;

const Guid kParentId = Guid::parse("77777777-2222-4333-8444-555555555555").value();

Bytes filled(std::size_t length, int value) {
    return Bytes(length, static_cast<std::byte>(value));
}

struct Case {
    const char* name;
    std::function<void(VhdImageBuilder&)> lie;
    const char* words;
    ErrorCode code = ErrorCode::corrupt;
};

/// Opens, reads the whole disk and walks the table: what one of them refuses is refused.
Error use(std::unique_ptr<File> file) {
    try {
        const auto image = open_vhd(std::move(file));
        check_block_aliasing(*image);
        Bytes content(512);
        for (std::uint64_t offset = 0; offset < image->size_bytes(); offset += 512 * kKiB) {
            const DiskExtent extent = image->extent_at(offset, 512);
            if (extent.kind != ExtentKind::parent) image->read(offset, content);
        }
    } catch (const Error& error) {
        return error;
    }
    return Error{ErrorCode::internal, "it was accepted"};
}

/// What a reader refuses, a check finds.
void check_found(const char* name, const File& file, ErrorCode code) {
    if (format_of_name(file) != ImageFormat::vhd) return;
    NullProgress progress;
    const ImageCheck check = check_image(file, Work{progress});
    INFO(name << ": " << to_json(check).dump(1));
    CHECK(check.is_damaged() == (code == ErrorCode::corrupt));
    CHECK(check.worst >= Severity::unsupported);
}

void check_refused(const char* name, std::unique_ptr<File> file, ErrorCode code,
                   const std::string& words) {
    check_found(name, *file, code);
    const Error error = use(std::move(file));
    INFO(name << ": " << error.message() << "; expected: " << words);
    CHECK(error.code() == code);
    CHECK(error.message().find(words) != std::string::npos);
}

const Case kCases[] = {
    {"type", [](auto& b) { b.type = 5; },
     "VHD footer (offset 16777216): Disk Type 5 is neither fixed (2), dynamic (3) nor "
     "differencing (4)",
     ErrorCode::unsupported},
    {"version", [](auto& b) { b.version = 0x00020000; },
     "VHD footer (offset 16777216): File Format Version 0x00020000 is not 1.0",
     ErrorCode::unsupported},
    {"no size", [](auto& b) { b.size_bytes = 0; }, "Current Size 0 is no size in whole sectors"},
    {"odd size", [](auto& b) { b.size_bytes = 8 * kMiB + 1; },
     "Current Size 8388609 is no size in whole sectors"},
    {"huge size", [](auto& b) { b.size_bytes = 2040 * kGiB + 512; },
     "Current Size 2190433321472 is more than 2040 GiB"},
    {"header in the copy of the footer", [](auto& b) { b.data_offset = 0; },
     "VHD footer: Data Offset 0 is no place for the dynamic header of 1024 bytes"},
    {"header unaligned", [](auto& b) { b.data_offset = 513; }, "VHD footer: Data Offset 513"},
    {"header beyond the file", [](auto& b) { b.data_offset = 16 * kMiB - 512; },
     "VHD footer: Data Offset 16776704 is no place"},
    {"header far beyond the file", [](auto& b) { b.data_offset = ~std::uint64_t{511}; },
     "VHD footer: Data Offset 18446744073709551104 is no place"},
    {"header without cookie", [](auto& b) { b.header_cookie = "cxsparsf"; },
     "VHD dynamic header (offset 512): lacks the cookie \"cxsparse\""},
    {"header version", [](auto& b) { b.header_version = 0x00030000; },
     "VHD dynamic header (offset 512): Header Version 0x00030000 is not 1.0",
     ErrorCode::unsupported},
    {"no block size", [](auto& b) { b.block_size_bytes = 0; }, "Block Size 0 is no power of two"},
    {"odd block size", [](auto& b) { b.block_size_bytes = 3 * kMiB; },
     "Block Size 3145728 is no power of two"},
    {"tiny block size", [](auto& b) { b.block_size_bytes = 256; },
     "Block Size 256 is no power of two from 512"},
    {"huge block size", [](auto& b) { b.block_size_bytes = 512 * kMiB; },
     "Block Size 536870912 is no power of two"},
    {"too few entries", [](auto& b) { b.table_entries = 3; },
     "Max Table Entries 3 are too few for the 4 blocks of 2097152 bytes of a disk of 8388608"},
    {"too many entries for the file", [](auto& b) { b.table_entries = 0xFFFFFFFF; },
     "Table Offset 1536 is no place for a table of 4294967295 entries"},
    {"too many blocks",
     [](auto& b) {
         b.size_bytes = 2040 * kGiB;
         b.block_size_bytes = 4096;
     },
     "Block Size 4096 cuts the disk of 2190433320960 bytes into 534773760 blocks",
     ErrorCode::limit},
    {"table unaligned", [](auto& b) { b.table_offset = 1537; }, "Table Offset 1537 is no place"},
    {"table in the header", [](auto& b) { b.table_offset = 1024; },
     "VHD dynamic header (offset 512): the dynamic header at offset 512 with length 1024 and the "
     "table at offset 1024 with length 16 overlap"},
    {"table in the copy of the footer",
     [](auto& b) {
         b.header_offset = 4096;
         b.table_offset = 0;
     },
     "the copy of the footer"},
    {"no parent id", [](auto& b) { b.child_of(Guid{}, "base.vhd"); },
     "VHD dynamic header (offset 512): Parent Unique ID is zero"},
    {"its own parent", [](auto& b) { b.child_of(b.unique_id, "base.vhd"); },
     "Parent Unique ID 11111111-2222-4333-8444-555555555555 is the image's own"},
    {"long locator",
     [](auto& b) {
         b.child_of(kParentId, "base.vhd");
         b.locators.push_back({"W2ru", 512, 0x7FFFFFFF, 4096});
     },
     "Parent Locator 0 (W2ru, offset 4096, length 2147483647, space 512) is longer than"},
    {"locator longer than its space",
     [](auto& b) {
         b.child_of(kParentId, "base.vhd");
         b.locators.push_back({"W2ru", 512, 514, 4096});
     },
     "Parent Locator 0 (W2ru, offset 4096, length 514, space 512) is longer than its space"},
    {"locator beyond the file",
     [](auto& b) {
         b.child_of(kParentId, "base.vhd");
         b.locators.push_back({"W2ku", 1, 512, 16 * kMiB - 256});
     },
     "Parent Locator 0 (W2ku, offset 16776960, length 512, space 1) ends beyond offset 16777216"},
    {"locator of half a letter",
     [](auto& b) {
         b.child_of(kParentId, "base.vhd");
         b.locators.push_back({"W2ku", 512, 3, 4096});
         b.content(4096, filled(3, 'x'));
     },
     "Parent Locator 0 (W2ku, offset 4096, length 3, space 512) is no valid UTF-16"},
    {"locator with half a pair",
     [](auto& b) {
         b.child_of(kParentId, "base.vhd");
         b.locators.push_back({"W2ru", 512, 4, 4096});
         b.content(4096, filled(4, 0xD8));
     },
     "is no valid UTF-16"},
    {"locator in the table",
     [](auto& b) {
         b.child_of(kParentId, "base.vhd");
         b.locator("W2ru", 1544, ".\\x.vhd");
     },
     "overlap"},
    {"block beyond the file", [](auto& b) { b.block(2, 32767); },
     "VHD table: entry 2 (0x00007fff at offset 1544) points to 2097664 bytes at offset 16776704, "
     "beyond the end of blocks at offset 16777216"},
    {"block far beyond the file", [](auto& b) { b.block(0, 0xFFFFFFFE); },
     "VHD table: entry 0 (0xfffffffe at offset 1536) points to 2097664 bytes"},
    {"block in the footer", [](auto& b) { b.block(0, 32768 - 4096); }, "beyond the end of blocks"},
    {"block at the start", [](auto& b) { b.block(1, 0); },
     "VHD table: entry 1 (0x00000000 at offset 1540) points to offset 0, into the copy of the "
     "footer at offset 0 with length 512"},
    {"block in the header", [](auto& b) { b.block(1, 2); },
     "into the dynamic header at offset 512"},
    {"block in the table",
     [](auto& b) {
         b.table_offset = 8 * kMiB;
         b.block(1, 8 * kMiB / 512 - 4096);
     },
     "into the table at offset 8388608 with length 16"},
    {"block in a locator",
     [](auto& b) {
         b.child_of(kParentId, "base.vhd");
         b.locator("W2ru", 8 * kMiB, ".\\x.vhd").block(0, 8 * kMiB / 512);
     },
     "into the parent locator W2ru at offset 8388608"},
    {"one block twice", [](auto& b) { b.block(0, 4095).block(3, 4095); },
     "VHD table: entry 3 (0x00000fff at offset 1548) points to offset 2096640, whose space the "
     "block at offset 2096640 uses"},
    {"a block in the end of another", [](auto& b) { b.block(0, 4095).block(3, 4095 + 4096); },
     "whose space the block at offset 2096640 uses"},
    {"a block in the start of another", [](auto& b) { b.block(0, 8192).block(3, 8192 - 1); },
     "whose space the block at offset 4194304 uses"},
    {"fixed image cut off",
     [](auto& b) {
         b.fixed();
         b.file_size_bytes -= 512;
     },
     "VHD footer: Current Size 8388608 in a fixed image that holds 8388096 bytes in front of its "
     "footer"},
};

}  // namespace

TEST_CASE("vhd refusal: what lies is refused by name", "[disk][vhd]") {
    for (const Case& lie : kCases) {
        VhdImageBuilder builder;
        lie.lie(builder);
        check_refused(lie.name, builder.build(), lie.code, lie.words);
    }
}

TEST_CASE("vhd refusal: what is no VHD is called what it is", "[disk][vhd]") {
    const auto file_of = [](const std::string& text) {
        return std::make_unique<MemoryFile>(as_bytes(text), "disk.vhd");
    };
    check_refused("empty", file_of(""), ErrorCode::corrupt, "looks like an empty file");
    check_refused("short", file_of("conectix"), ErrorCode::corrupt, "the file of 8 bytes");
    check_refused("VHDX", file_of("vhdxfile" + std::string(4096, 'x')), ErrorCode::corrupt,
                  "looks like a VHDX image");
    check_refused("page", file_of("<!DOCTYPE html>" + std::string(4096, ' ')), ErrorCode::corrupt,
                  "looks like an HTML or XML page");
    check_refused("zeros", file_of(std::string(4096, '\0')), ErrorCode::corrupt,
                  "looks like a file of zeros");
    check_refused("VHD Set",
                  std::make_unique<MemoryFile>(as_bytes(std::string(4096, 'x')), "a.vhds"),
                  ErrorCode::unsupported, "VHD Sets");
}

TEST_CASE("vhd refusal: damaged structures say which checksum they should have", "[disk][vhd]") {
    VhdImageBuilder builder;
    const std::uint64_t end = builder.file_size_bytes;
    auto both = builder.build();
    both->write(end + 100, filled(1, 1));
    both->write(100, filled(1, 1));
    check_refused("both footers", std::move(both), ErrorCode::corrupt,
                  "VHD footer: the one at offset 16777216 has Checksum 0x");
    auto header = builder.build();
    header->write(512 + 900, filled(1, 1));
    check_refused("header", std::move(header), ErrorCode::corrupt,
                  "VHD dynamic header (offset 512): Checksum is 0x");

    VhdImageBuilder fixed;
    fixed.fixed();
    auto only = fixed.build();
    only->write(fixed.file_size_bytes + 100, filled(1, 1));
    check_refused("footer of a fixed image", std::move(only), ErrorCode::corrupt,
                  "the copy at offset 0 lacks the cookie");
    // A guest's own footer in its first sector replaces nothing.
    auto decoy = fixed.build();
    decoy->write(fixed.file_size_bytes + 100, filled(1, 1));
    decoy->write(0, fixed.footer());
    check_refused("decoy", std::move(decoy), ErrorCode::corrupt,
                  "the copy at offset 0 is of type 2, which has no copy");
}

TEST_CASE("vhd refusal: two intact footers that move data differently", "[disk][vhd]") {
    const auto build = [](const std::function<void(VhdImageBuilder&)>& change) {
        VhdImageBuilder builder;
        auto file = builder.build();
        change(builder);
        file->write(0, builder.footer());
        return file;
    };
    check_refused("size", build([](auto& b) { b.size_bytes = 4 * kMiB; }), ErrorCode::corrupt,
                  "VHD footer (offset 16777216): Current Size is 8388608, and 4194304 in the copy");
    check_refused("type", build([](auto& b) { b.type = 4; }), ErrorCode::corrupt,
                  "Disk Type is 3, and 4 in the copy");
    check_refused("header", build([](auto& b) { b.data_offset = 4096; }), ErrorCode::corrupt,
                  "Data Offset is 512, and 4096 in the copy");
}

TEST_CASE("vhd refusal: a file that changes while it is read is noticed", "[disk][vhd]") {
    VhdImageBuilder builder;
    auto file = builder.build();
    MemoryFile* raw = file.get();
    const auto image = open_vhd(std::move(file));
    image->check_unchanged();
    SECTION("longer") {
        raw->truncate(raw->size() + 512);
    }
    SECTION("another footer") {
        builder.unique_id = kParentId;
        raw->write(builder.file_size_bytes, builder.footer());
    }
    CHECK_THROWS_AS(image->check_unchanged(), Error);
}

TEST_CASE("vhd refusal: overlaps are found across the windows of the search", "[disk][vhd]") {
    // So many buckets that the search takes more than one window; the file is a hole.
    VhdImageBuilder builder;
    builder.block_size_bytes = 512;
    builder.size_bytes = 64 * kKiB;
    builder.original_size_bytes = builder.size_bytes;
    const std::uint64_t window = (limits::kVhdAliasBucketsMax - 1) * std::uint64_t{1024};
    builder.file_size_bytes = 3 * window;
    const auto border = static_cast<std::uint32_t>(window / 512);
    builder.block(5, 100).block(6, border).block(7, 2 * border + 10);
    check_block_aliasing(*open_vhd(builder.build()));
    for (const std::uint32_t other : {border - 1, border + 1, 2 * border + 11, 101u}) {
        INFO(other);
        VhdImageBuilder bad = builder;
        bad.block(90, other);
        CHECK_THROWS_AS(check_block_aliasing(*open_vhd(bad.build())), Error);
    }
}

}  // namespace entrepot::disk
