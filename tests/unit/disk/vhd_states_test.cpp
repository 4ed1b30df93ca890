// What a VHD of each kind reads as: absent blocks, bitmaps, both footers, sizes (vhdx.md section
// 8).
#include "storage/disk/disk_image.h"
#include "storage/disk/image_chain.h"
#include "storage/disk/image_report.h"
#include "storage/disk/limits.h"

#include "base/error.h"
#include "tests/support/vhd_image_builder.h"

#include <catch2/catch.hpp>

namespace entrepot::disk {
namespace {

using test::VhdImageBuilder;

constexpr std::uint64_t kBlock = 2 * kMiB;
// The sector of a block's bitmap, and the bytes of its data one sector further on.
constexpr std::uint32_t kFirstSector = 4095;
constexpr std::uint64_t kFirstData = 4096 * 512;
constexpr std::uint32_t kSecondSector = kFirstSector + 4104;
constexpr std::uint64_t kSecondData = kFirstData + 4104 * 512;

const Guid kParentId = Guid::parse("77777777-2222-4333-8444-555555555555").value();

Bytes filled(std::size_t length, int value) {
    return Bytes(length, static_cast<std::byte>(value));
}

std::byte byte_at(const DiskSource& disk, std::uint64_t offset) {
    Bytes one(1);
    disk.read(offset, one);
    return one[0];
}

bool has_warning(const DiskImage& image, const std::string& words) {
    for (const std::string& warning : image.info().warnings) {
        if (warning.find(words) != std::string::npos) return true;
    }
    return false;
}

VhdImageBuilder child() {
    VhdImageBuilder builder;
    builder.child_of(kParentId, "C:\\disks\\base.vhd");
    return builder;
}

}  // namespace

TEST_CASE("vhd: a dynamic disk reads its blocks, and zeros where there is none", "[disk][vhd]") {
    VhdImageBuilder builder;
    builder.block(1, kFirstSector).block(3, kSecondSector);
    // No bitmap is set: without a parent it is not asked.
    builder.content(kFirstData, filled(kBlock, 0x5A)).content(kSecondData, filled(4096, 0x66));
    const auto image = open_vhd(builder.build());

    const std::vector<DiskExtent> expected{{0, kBlock, ExtentKind::zero},
                                           {kBlock, kBlock, ExtentKind::data},
                                           {2 * kBlock, kBlock, ExtentKind::zero},
                                           {3 * kBlock, 4096, ExtentKind::data},
                                           {3 * kBlock + 4096, kBlock - 4096, ExtentKind::zero}};
    CHECK(map_extents(*image, 100) == expected);
    CHECK(byte_at(*image, 0) == std::byte{0});
    CHECK(byte_at(*image, kBlock) == std::byte{0x5A});
    CHECK(byte_at(*image, 2 * kBlock - 1) == std::byte{0x5A});
    CHECK(byte_at(*image, 2 * kBlock) == std::byte{0});
    CHECK(byte_at(*image, 3 * kBlock) == std::byte{0x66});
    Bytes across(1000);
    image->read(kBlock - 500, across);
    CHECK(across[499] == std::byte{0});
    CHECK(across[500] == std::byte{0x5A});
    check_block_aliasing(*image);
    CHECK(image->info().type == ImageType::dynamic);
    CHECK(image->info().creator == "win 10.0 (Wi2k)");
    CHECK(image->info().warnings.empty());
    image->check_unchanged();
}

TEST_CASE("vhd: a fixed disk is its file without the footer", "[disk][vhd]") {
    VhdImageBuilder builder;
    builder.size_bytes = 3 * kMiB + 512;
    builder.fixed();
    // What the guest wrote into its first sector is the guest's, even a footer.
    VhdImageBuilder decoy;
    builder.content(0, decoy.footer()).content(3 * kMiB, filled(512, 0x77));
    const auto image = open_vhd(builder.build());
    CHECK(image->info().type == ImageType::fixed);
    CHECK(image->size_bytes() == 3 * kMiB + 512);
    CHECK(byte_at(*image, 0) == std::byte{'c'});
    CHECK(byte_at(*image, 3 * kMiB + 511) == std::byte{0x77});
    const std::vector<DiskExtent> expected{{0, 4096, ExtentKind::data},
                                           {4096, 3 * kMiB - 4096, ExtentKind::zero},
                                           {3 * kMiB, 512, ExtentKind::data}};
    CHECK(map_extents(*image, 100) == expected);
    CHECK(image->info().warnings.empty());
}

TEST_CASE("vhd: a child asks its bitmaps, most significant bit first", "[disk][vhd]") {
    VhdImageBuilder base;
    base.unique_id = kParentId;
    base.fixed();
    for (std::uint64_t block = 0; block < 4; ++block)
        base.content(block * kBlock, filled(kBlock, 0x11));
    VhdImageBuilder builder = child();
    builder.block(1, kFirstSector).block(3, kSecondSector);
    builder.content(kFirstData, filled(kBlock, 0x22)).content(kSecondData, filled(kBlock, 0x33));
    // Sectors 0 and 9 of block 1; all of block 3.
    builder.content(kFirstSector * 512, {std::byte{0x80}, std::byte{0x40}});
    builder.content(kSecondSector * std::uint64_t{512}, filled(512, 0xFF));
    const std::shared_ptr<DiskImage> parent = open_vhd(base.build("base.vhd"));
    const std::shared_ptr<DiskImage> leaf = open_vhd(builder.build("leaf.avhd"));

    const std::vector<DiskExtent> layer{{0, kBlock, ExtentKind::parent},
                                        {kBlock, 512, ExtentKind::data},
                                        {kBlock + 512, 8 * 512, ExtentKind::parent},
                                        {kBlock + 9 * 512, 512, ExtentKind::data},
                                        {kBlock + 10 * 512, 2 * kBlock - 5120, ExtentKind::parent},
                                        {3 * kBlock, kBlock, ExtentKind::data}};
    CHECK(map_extents(*leaf, 100) == layer);
    CHECK_FALSE(leaf->is_empty_layer());
    CHECK(leaf->info().type == ImageType::differencing);

    const ImageChain chain{{leaf, parent}};
    CHECK(chain.is_complete());
    CHECK(byte_at(chain, 0) == std::byte{0x11});
    CHECK(byte_at(chain, kBlock + 511) == std::byte{0x22});
    CHECK(byte_at(chain, kBlock + 512) == std::byte{0x11});
    CHECK(byte_at(chain, kBlock + 9 * 512) == std::byte{0x22});
    CHECK(byte_at(chain, kBlock + 10 * 512) == std::byte{0x11});
    CHECK(byte_at(chain, 4 * kBlock - 1) == std::byte{0x33});
    Bytes odd(1000);
    chain.read(kBlock + 100, odd);
    CHECK(odd[411] == std::byte{0x22});
    CHECK(odd[412] == std::byte{0x11});
    check_block_aliasing(*leaf);

    try {
        byte_at(*leaf, kBlock + 512);
        FAIL("a missing parent must not read as anything");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::parent_missing);
        CHECK(error.message().find("base.vhd") != std::string::npos);
        CHECK(error.message().find("77777777-2222-4333-8444-555555555555") != std::string::npos);
    }
}

TEST_CASE("vhd: a bitmap of more than one sector goes on in the next", "[disk][vhd]") {
    // Blocks of 4 MiB have 8192 sectors and so a bitmap of 1024 bytes.
    VhdImageBuilder builder = child();
    builder.block_size_bytes = 4 * kMiB;
    builder.block(0, kFirstSector);
    builder.content(kFirstSector * std::uint64_t{512} + 512, {std::byte{0x01}});
    builder.content((kFirstSector + 2) * std::uint64_t{512} + 4103 * 512, filled(512, 0x44));
    const auto image = open_vhd(builder.build());
    CHECK(image->extent_at(0, 4 * kMiB) == DiskExtent{0, 4103 * 512, ExtentKind::parent});
    CHECK(image->extent_at(4103 * 512, 4 * kMiB) == DiskExtent{4103 * 512, 512, ExtentKind::data});
    CHECK(byte_at(*image, 4103 * 512) == std::byte{0x44});
}

TEST_CASE("vhd: a child without blocks is an empty layer", "[disk][vhd]") {
    VhdImageBuilder builder = child();
    CHECK(open_vhd(builder.build())->is_empty_layer());
    builder.block(2, kFirstSector);
    CHECK(open_vhd(builder.build())->is_empty_layer());
    builder.content(kFirstSector * std::uint64_t{512} + 511, {std::byte{0x01}});
    CHECK_FALSE(open_vhd(builder.build())->is_empty_layer());
}

TEST_CASE("vhd: what a child says of its parent is shown", "[disk][vhd]") {
    VhdImageBuilder builder = child();
    builder.locator("W2ku", 4096, "C:\\other\\absolute.vhd").locator("W2ru", 8192, ".\\near.vhd");
    builder.locators.push_back({"MacX", 1, 7, 12288});
    builder.content(12288, Bytes{std::byte{'f'}, std::byte{'i'}, std::byte{'l'}, std::byte{'e'},
                                 std::byte{':'}, std::byte{'/'}, std::byte{'x'}});
    const auto image = open_vhd(builder.build());
    const ImageInfo& info = image->info();
    REQUIRE(info.parent);
    CHECK(info.parent->linkage == kParentId);
    CHECK(info.parent->relative_path == ".\\near.vhd");
    CHECK(info.parent->absolute_path == "C:\\other\\absolute.vhd");
    CHECK(info.parent->parent_name == "C:\\disks\\base.vhd");
    CHECK(info.parent->leaf_name() == "near.vhd");
    REQUIRE(info.vhd->locators.size() == 3);
    CHECK(info.vhd->locators[2].platform_code == "MacX");
    CHECK(info.vhd->locators[2].text == "file:/x");
    // Without any locator the name in the header is what there is.
    CHECK(open_vhd(child().build())->info().parent->leaf_name() == "base.vhd");

    NullProgress progress;
    const Json document = image_info_json(ImageChain{{open_vhd(builder.build())}}, Work{progress});
    CHECK(document.at("complete") == false);
    CHECK(document.at("needs").at("name") == "near.vhd");
    const Json& fields = document.at("layers").at(0).at("vhd");
    CHECK(fields.at("creator_application") == "win ");
    CHECK(fields.at("parent_unique_id_in_file_order") == "77777777-2222-3343-8444-555555555555");
    CHECK(fields.at("locators").size() == 3);
}

TEST_CASE("vhd: a torn footer at the end is replaced by the copy, with a warning", "[disk][vhd]") {
    VhdImageBuilder builder;
    builder.block(0, kFirstSector).content(kFirstData, filled(kBlock, 0x21));
    const auto open_damaged = [&](std::uint64_t offset, const Bytes& bytes) {
        auto file = builder.build();
        file->write(offset, bytes);
        return open_vhd(std::move(file));
    };
    const std::uint64_t end = builder.file_size_bytes;
    // A checksum that does not fit, a cookie that is gone, and an end that was never written.
    for (const std::uint64_t at : {end + 40, end}) {
        const auto image = open_damaged(at, filled(8, 0x99));
        CHECK(has_warning(*image, "the copy at the start is used"));
        CHECK(image->info().vhd->is_footer_copy_used);
        CHECK(byte_at(*image, kBlock - 1) == std::byte{0x21});
        check_block_aliasing(*image);
        image->check_unchanged();
    }
    builder.has_end_footer = false;
    CHECK(byte_at(*open_vhd(builder.build()), 7) == std::byte{0x21});
    builder.has_end_footer = true;

    // The other way round the end counts.
    const auto image = open_damaged(40, filled(8, 0x99));
    CHECK(has_warning(*image, "the copy of the footer at the start is damaged"));
    CHECK_FALSE(image->info().vhd->is_footer_copy_used);
    CHECK(byte_at(*image, 7) == std::byte{0x21});
}

TEST_CASE("vhd: footers of 511 bytes are read", "[disk][vhd]") {
    VhdImageBuilder builder;
    builder.creator = "vpc ";
    builder.footer_bytes = 511;
    builder.cylinders = 0;
    SECTION("dynamic") {
        builder.block(3, kFirstSector).content(kFirstData, filled(kBlock, 0x21));
    }
    SECTION("fixed") {
        builder.fixed().content(3 * kBlock, filled(kBlock, 0x21));
    }
    const auto image = open_vhd(builder.build());
    CHECK(image->info().file_size_bytes % 512 == 511);
    CHECK(has_warning(*image, "511 bytes"));
    CHECK(image->info().vhd->footer_length_bytes == 511);
    CHECK(image->size_bytes() == 8 * kMiB);
    CHECK(byte_at(*image, 4 * kBlock - 1) == std::byte{0x21});
}

TEST_CASE("vhd: the size is the current one, and other readers' size is a warning", "[disk][vhd]") {
    struct Row {
        const char* creator;
        bool is_warned;
    };
    // The geometry 240/4/17 says 8355840 bytes.
    const auto row = GENERATE(values<Row>({{"win ", false},
                                           {"d2v ", false},
                                           {"qem2", false},
                                           {"CTXS", false},
                                           {"vpc ", true},
                                           {"qemu", true},
                                           {"vbox", true}}));
    INFO(row.creator);
    VhdImageBuilder builder;
    builder.creator = row.creator;
    const auto image = open_vhd(builder.build());
    CHECK(image->size_bytes() == 8 * kMiB);
    CHECK(image->info().vhd->geometry_size_bytes() == 8'355'840);
    CHECK(has_warning(*image, "8355840") == row.is_warned);

    builder.cylinders = 65535;
    builder.heads = 16;
    builder.sectors = 255;
    CHECK(open_vhd(builder.build())->info().warnings.empty());
}

TEST_CASE("vhd: a last block cut off at the end of the disk is read, with a warning",
          "[disk][vhd]") {
    VhdImageBuilder builder;
    builder.size_bytes = 6 * kMiB + 1024;
    builder.file_size_bytes = kFirstData + 1024;
    builder.block(3, kFirstSector).content(kFirstData, filled(1024, 0x31));
    const auto image = open_vhd(builder.build());
    CHECK(has_warning(*image, "the last block has 1536 bytes of file space instead of 2097664"));
    CHECK(byte_at(*image, 6 * kMiB + 1023) == std::byte{0x31});
    check_block_aliasing(*image);
}

TEST_CASE("vhd: what is odd and harmless is accepted, with a warning where it may matter",
          "[disk][vhd]") {
    VhdImageBuilder builder;
    SECTION("a table longer than the disk needs") {
        builder.table_entries = 1000;
        CHECK(open_vhd(builder.build())->info().warnings.empty());
    }
    SECTION("features without the bit that is always set") {
        builder.features = 0;
        CHECK(has_warning(*open_vhd(builder.build()), "Features"));
    }
    SECTION("a saved state") {
        builder.saved_state = 1;
        CHECK(has_warning(*open_vhd(builder.build()), "saved state"));
    }
    SECTION("footers that differ in what moves no data") {
        auto file = builder.build();
        builder.saved_state = 1;
        file->write(builder.file_size_bytes, builder.footer());
        CHECK(has_warning(*open_vhd(std::move(file)), "differ in fields"));
    }
    SECTION("a fixed image with bytes behind the disk") {
        builder.fixed();
        builder.file_size_bytes += 512;
        const auto image = open_vhd(builder.build());
        CHECK(has_warning(*image, "512 bytes between the end of the disk and the footer"));
        CHECK(image->size_bytes() == 8 * kMiB);
    }
    SECTION("a fixed image whose data offset is not all ones") {
        builder.fixed();
        builder.data_offset = 0;
        CHECK(has_warning(*open_vhd(builder.build()), "Data Offset"));
    }
    SECTION("a header far from its usual place, a table behind the blocks") {
        builder.header_offset = 4096;
        builder.table_offset = 12 * kMiB;
        builder.block(0, kFirstSector).content(kFirstData, filled(512, 0x31));
        CHECK(byte_at(*open_vhd(builder.build()), 0) == std::byte{0x31});
    }
    SECTION("the smallest blocks") {
        builder.size_bytes = 1024;
        builder.block_size_bytes = 512;
        builder.block(1, 100).content(101 * 512, filled(512, 0x31));
        const auto image = open_vhd(builder.build());
        CHECK(byte_at(*image, 512) == std::byte{0x31});
        check_block_aliasing(*image);
    }
}

TEST_CASE("vhd: the table of a disk of 2040 GiB is read only where it says something",
          "[disk][vhd]") {
    VhdImageBuilder builder;
    builder.size_bytes = 2040 * kGiB;
    builder.block_size_bytes = 512 * kKiB;
    const std::uint32_t last = builder.entry_count() - 1;
    const std::uint64_t table_bytes = 4 * (std::uint64_t{last} + 1);
    builder.file_size_bytes = 32 * kMiB;
    const auto sector = static_cast<std::uint32_t>(24 * kMiB / 512);
    builder.block(last, sector).content(24 * kMiB + 512, filled(512, 0x66));
    builder.content(1536, filled(table_bytes - 4, 0xFF));
    const auto image = open_vhd(builder.build());
    const std::uint64_t begin = last * std::uint64_t{512} * kKiB;
    CHECK(image->extent_at(0, image->size_bytes()) == DiskExtent{0, begin, ExtentKind::zero});
    CHECK(byte_at(*image, begin) == std::byte{0x66});
    check_block_aliasing(*image);
}

TEST_CASE("vhd: a name decides between the formats, else the content", "[disk][vhd]") {
    VhdImageBuilder builder;
    builder.fixed();
    CHECK(open_any(builder.build("disk.VHD"))->info().format == ImageFormat::vhd);
    CHECK(open_any(builder.build("disk.avhd"))->info().format == ImageFormat::vhd);
    CHECK(open_any(builder.build("disk.img"))->info().format == ImageFormat::vhd);
    CHECK(open_any(VhdImageBuilder{}.build("disk"))->info().format == ImageFormat::vhd);
    // The guest wrote this into its first sector.
    builder.content(0, Bytes(as_bytes("vhdxfile").begin(), as_bytes("vhdxfile").end()));
    CHECK(open_any(builder.build("disk.vhd"))->info().format == ImageFormat::vhd);
    const auto code_of = [](std::unique_ptr<File> file) {
        try {
            open_any(std::move(file));
        } catch (const Error& error) {
            return error.code();
        }
        return ErrorCode::internal;
    };
    CHECK(code_of(VhdImageBuilder{}.build("disk.vhdx")) == ErrorCode::unsupported);
    CHECK(code_of(VhdImageBuilder{}.build("disk.vhds")) == ErrorCode::unsupported);
    auto plain = std::make_unique<test::MemoryFile>("plain.vhd");
    plain->truncate(kMiB);
    CHECK(code_of(std::move(plain)) == ErrorCode::corrupt);
}

}  // namespace entrepot::disk
