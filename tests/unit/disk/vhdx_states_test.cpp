// What each state of a block reads as, and what the extents say of it (vhdx.md section 2).
#include "storage/disk/disk_image.h"
#include "storage/disk/image_chain.h"
#include "storage/disk/image_report.h"

#include "base/error.h"
#include "tests/support/vhdx_image_builder.h"

#include <catch2/catch.hpp>

namespace entrepot::disk {
namespace {

using test::VhdxImageBuilder;

constexpr std::uint64_t kBlock = 2 * kMiB;

Bytes filled(std::size_t length, int value) {
    return Bytes(length, static_cast<std::byte>(value));
}

std::byte byte_at(const DiskSource& disk, std::uint64_t offset) {
    Bytes one(1);
    disk.read(offset, one);
    return one[0];
}

}  // namespace

TEST_CASE("vhdx: every state of a disk without parent reads as the format says", "[disk]") {
    VhdxImageBuilder builder;
    builder.size_bytes = 6 * kBlock;
    builder.block(1, 1, 8 * kMiB).block(2, 2).block(3, 3, 8 * kMiB).block(4, 6, 8 * kMiB);
    builder.content(8 * kMiB, filled(kBlock, 0x5A));
    const auto image = open_vhdx(builder.build());

    const std::vector<DiskExtent> expected{{0, 3 * kBlock, ExtentKind::zero},
                                           {3 * kBlock, kBlock, ExtentKind::unmapped},
                                           {4 * kBlock, kBlock, ExtentKind::data},
                                           {5 * kBlock, kBlock, ExtentKind::zero}};
    CHECK(map_extents(*image, 100) == expected);
    for (std::uint64_t block = 0; block < 6; ++block) {
        CHECK(byte_at(*image, block * kBlock + 77) == std::byte(block == 4 ? 0x5A : 0));
    }
    CHECK(image->info().creator == "test builder");
    CHECK(image->info().type == ImageType::dynamic);
    CHECK_FALSE(image->is_empty_layer());
}

TEST_CASE("vhdx: zero states of a child hide the parent, absence shows it", "[disk]") {
    VhdxImageBuilder base;
    base.size_bytes = 6 * kBlock;
    base.file_size_bytes = 32 * kMiB;
    for (std::uint64_t block = 0; block < 6; ++block) {
        base.block(block, 6, 4 * kMiB + block * kBlock);
        base.content(4 * kMiB + block * kBlock, filled(kBlock, 0x11));
    }
    VhdxImageBuilder child;
    child.size_bytes = base.size_bytes;
    child.data_write_guid = test::guid_of("77777777-2222-4333-8444-555555555555");
    child.child_of(base.data_write_guid, ".\\base.vhdx");
    child.block(1, 1).block(2, 2).block(3, 3).block(4, 6, 6 * kMiB).block(5, 7, 8 * kMiB);
    child.bitmap(0, 5 * kMiB);
    child.content(6 * kMiB, filled(kBlock, 0x22)).content(8 * kMiB, filled(kBlock, 0x33));
    // Bits count from the chunk's start: block 5 begins at sector 5 x 4096. Sectors 0 and 9 are
    // here.
    child.content(5 * kMiB + 5 * 512, {std::byte{0x01}, std::byte{0x02}});

    const std::shared_ptr<DiskImage> parent = open_vhdx(base.build("base.vhdx"));
    const std::shared_ptr<DiskImage> leaf = open_vhdx(child.build("leaf.vhdx"));
    const std::vector<DiskExtent> layer{{0, kBlock, ExtentKind::parent},
                                        {kBlock, 2 * kBlock, ExtentKind::zero},
                                        {3 * kBlock, kBlock, ExtentKind::unmapped},
                                        {4 * kBlock, kBlock + 512, ExtentKind::data},
                                        {5 * kBlock + 512, 8 * 512, ExtentKind::parent},
                                        {5 * kBlock + 9 * 512, 512, ExtentKind::data},
                                        {5 * kBlock + 10 * 512, kBlock - 5120, ExtentKind::parent}};
    CHECK(map_extents(*leaf, 100) == layer);

    const ImageChain chain{{leaf, parent}};
    CHECK(chain.is_complete());
    CHECK(byte_at(chain, 0) == std::byte{0x11});
    CHECK(byte_at(chain, kBlock) == std::byte{0});
    CHECK(byte_at(chain, 2 * kBlock) == std::byte{0});
    CHECK(byte_at(chain, 3 * kBlock) == std::byte{0});
    CHECK(byte_at(chain, 4 * kBlock) == std::byte{0x22});
    CHECK(byte_at(chain, 5 * kBlock + 511) == std::byte{0x33});
    CHECK(byte_at(chain, 5 * kBlock + 512) == std::byte{0x11});
    CHECK(byte_at(chain, 5 * kBlock + 9 * 512) == std::byte{0x33});
    Bytes odd(1000);
    chain.read(5 * kBlock + 100, odd);
    CHECK(odd[411] == std::byte{0x33});
    CHECK(odd[412] == std::byte{0x11});
    check_block_aliasing(*leaf);
}

TEST_CASE("vhdx: a child of sectors of 4096 bytes uses its bitmap by those sectors", "[disk]") {
    VhdxImageBuilder child;
    child.size_bytes = 4 * kBlock;
    child.logical_sector_size = 4096;
    child.bat_length = kMiB;
    child.child_of(test::guid_of("77777777-2222-4333-8444-555555555555"), ".\\base.vhdx");
    child.block(1, 7, 8 * kMiB).bitmap(0, 5 * kMiB);
    // Block 1 begins at bit 512; its second sector is here.
    child.content(5 * kMiB + 64, {std::byte{0x02}}).content(8 * kMiB, filled(kBlock, 0x44));
    const auto image = open_vhdx(child.build());

    CHECK(image->extent_at(kBlock, kBlock) == DiskExtent{kBlock, 4096, ExtentKind::parent});
    CHECK(image->extent_at(kBlock + 4096, kBlock) ==
          DiskExtent{kBlock + 4096, 4096, ExtentKind::data});
    CHECK(byte_at(*image, kBlock + 4096) == std::byte{0x44});
    try {
        byte_at(*image, kBlock);
        FAIL("a missing parent must not read as anything");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::parent_missing);
        CHECK(error.message().find("base.vhdx") != std::string::npos);
        CHECK(error.message().find("77777777-2222-4333-8444-555555555555") != std::string::npos);
    }
}

TEST_CASE("vhdx: a child that says nothing is an empty layer", "[disk]") {
    VhdxImageBuilder child;
    child.child_of(test::guid_of("77777777-2222-4333-8444-555555555555"), ".\\base.vhdx");
    CHECK(open_vhdx(child.build())->is_empty_layer());
    child.block(3, 2);
    CHECK_FALSE(open_vhdx(child.build())->is_empty_layer());
}

TEST_CASE("vhdx: the table of a disk of 64 TiB is read only where it says something", "[disk]") {
    VhdxImageBuilder builder;
    builder.size_bytes = 64 * kTiB;
    builder.block_size_bytes = 32 * kMiB;
    builder.bat_length = 17 * kMiB;
    builder.file_size_bytes = 64 * kMiB;
    const std::uint64_t last = builder.size_bytes / builder.block_size_bytes - 1;
    builder.block(last, 6, 32 * kMiB).content(32 * kMiB, filled(kMiB, 0x66));
    const auto image = open_vhdx(builder.build());
    const std::uint64_t begin = last * builder.block_size_bytes;

    CHECK(image->extent_at(0, image->size_bytes()) == DiskExtent{0, begin, ExtentKind::zero});
    // Behind the first MiB the block lies in a hole of the file.
    CHECK(image->extent_at(begin, 64 * kMiB) == DiskExtent{begin, kMiB, ExtentKind::data});
    CHECK(image->extent_at(begin + kMiB, 64 * kMiB) ==
          DiskExtent{begin + kMiB, 31 * kMiB, ExtentKind::zero});
    CHECK(byte_at(*image, begin) == std::byte{0x66});
    check_block_aliasing(*image);
}

TEST_CASE("vhdx: a last block cut off at the end of the disk is read, with a warning", "[disk]") {
    VhdxImageBuilder builder;
    builder.size_bytes = kBlock + kMiB;
    builder.file_size_bytes = 9 * kMiB;
    builder.block(1, 6, 8 * kMiB).content(8 * kMiB, filled(kMiB, 0x12));
    const auto image = open_vhdx(builder.build());
    CHECK(byte_at(*image, kBlock + kMiB - 1) == std::byte{0x12});
    REQUIRE(image->info().warnings.size() == 1);
    CHECK(image->info().warnings[0].find("last block") != std::string::npos);
}

TEST_CASE("vhdx: a change of the file while it is read is found at the end", "[disk]") {
    const VhdxImageBuilder builder;
    auto owned = builder.build();
    test::MemoryFile* file = owned.get();
    const auto image = open_vhdx(std::move(owned));
    image->check_unchanged();
    SECTION("a header") {
        VhdxImageBuilder later = builder;
        file->write(64 * kKiB, later.header(9));
    }
    SECTION("the size") {
        file->truncate(17 * kMiB);
    }
    CHECK_THROWS_AS(image->check_unchanged(), Error);
}

TEST_CASE("vhdx: the header copy with the higher sequence number wins", "[disk]") {
    VhdxImageBuilder builder;
    VhdxImageBuilder other = builder;
    other.data_write_guid = test::guid_of("12345678-2222-4333-8444-555555555555");
    const auto [first, second, is_first] =
        GENERATE(table<std::uint64_t, std::uint64_t, bool>({{7, 8, false}, {8, 7, true}}));
    auto file = builder.build();
    file->write(64 * kKiB, builder.header(first));
    file->write(128 * kKiB, other.header(second));
    const auto image = open_vhdx(std::move(file));
    CHECK((image->info().data_write_guid == builder.data_write_guid) == is_first);
}

TEST_CASE("vhdx: what real writers do outside of the specification is tolerated", "[disk]") {
    VhdxImageBuilder builder;
    std::size_t warning_count = 1;
    std::optional<std::uint64_t> damaged_at;
    SECTION("nothing of it") {
        warning_count = 0;
    }
    SECTION("two identical headers, as Disk2vhd writes them") {
        builder.first_sequence = 8;
    }
    SECTION("one header damaged") {
        damaged_at = 128 * kKiB + 9;
    }
    SECTION("the first region table damaged") {
        damaged_at = 192 * kKiB + 9;
    }
    SECTION("the second region table damaged") {
        damaged_at = 256 * kKiB + 9;
    }
    auto file = builder.build();
    if (damaged_at) file->write(*damaged_at, filled(1, 0xFF));
    CHECK(open_vhdx(std::move(file))->info().warnings.size() == warning_count);
}

}  // namespace entrepot::disk
