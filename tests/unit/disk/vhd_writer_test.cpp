// VHDs that we write, read by us and by three readers that share nothing with us: qemu-img,
// libvhdi and 7-Zip.
#include "storage/disk/disk_writer.h"
#include "storage/disk/image_report.h"
#include "storage/disk/limits.h"
#include "storage/disk/vhd_geometry.h"

#include "base/error.h"
#include "tests/support/memory_file.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/disk/other_readers.h"

#include <catch2/catch.hpp>

namespace entrepot::disk {
namespace {

namespace fs = std::filesystem;

struct Fixture {
    test::TemporaryDirectory directory;
    PosixFileSystem files;
    SeededRandom random{77};
    NullProgress progress;
    Work work{progress};

    std::string path(const std::string& name) const { return (directory.path() / name).string(); }
    void write(const DiskSource& source, const std::string& name, const WriteOptions& options) {
        write_disk(files, random, source, path(name), options, work);
    }
    std::unique_ptr<DiskImage> open(const std::string& name) {
        return open_any(files.open_read(path(name)));
    }
    /// A sparse disk with `content` at some places.
    std::unique_ptr<DiskImage> disk_of(std::uint64_t size, const std::vector<std::uint64_t>& at) {
        auto file = std::make_unique<test::MemoryFile>("disk.raw");
        file->truncate(size);
        for (const std::uint64_t offset : at) {
            Bytes content(std::min<std::uint64_t>(9 * 512, size - offset));
            random.fill(content);
            file->write(offset, content);
        }
        return open_raw(std::move(file));
    }
};

WriteOptions options_of(TargetFormat format) {
    WriteOptions options;
    options.format = format;
    return options;
}

struct Row {
    std::uint64_t size;
    std::vector<std::uint64_t> at;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "vhd writer: every size reads back equal, by everybody",
                 "[disk][writer][vhd]") {
    const auto row = GENERATE(values<Row>({
        {512, {0}},                                       // One sector.
        {3 * kMiB, {0, 2 * kMiB - 512, 3 * kMiB - 512}},  // The last block is partial.
        {8 * kMiB, {2 * kMiB, 8 * kMiB - 512}},           // Whole blocks.
        {8 * kMiB, {}},                                   // Nothing but zeros.
        {5 * kMiB + 7 * 512, {5 * kMiB + 6 * 512}},       // No multiple of cylinders.
        {130 * kGiB + 512, {0, 128 * kGiB, 130 * kGiB}},  // Beyond what CHS can say.
    }));
    const auto format = GENERATE(TargetFormat::vhd, TargetFormat::vhd_fixed);
    if (format == TargetFormat::vhd_fixed && row.size > kGiB) return;  // Others read it all.
    INFO("size " << row.size << ", format " << static_cast<int>(format));
    const auto disk = disk_of(row.size, row.at);
    write(*disk, "disk.raw", options_of(TargetFormat::raw));
    write(*disk, "disk.vhd", options_of(format));

    const auto image = open("disk.vhd");
    CHECK(image->size_bytes() == row.size);
    CHECK(image->info().warnings.empty());
    CHECK(image->info().type ==
          (format == TargetFormat::vhd ? ImageType::dynamic : ImageType::fixed));
    check_block_aliasing(*image);
    CHECK(compare_disks(*image, *disk, work).is_equal());
    CHECK(files.find_status(path("disk.vhd"))->allocated_bytes < kMiB);

    CHECK(test::run_program({"qemu-img", "compare", "-q", "-f", "vpc", "-F", "raw",
                             path("disk.vhd"), path("disk.raw")}));
    if (const auto vhdi = test::VhdiFile::try_open(path("disk.vhd"))) {
        CHECK(vhdi->size_bytes() == row.size);
        for (const std::uint64_t at : row.at) {
            Bytes ours(std::min<std::uint64_t>(2 * kMiB, row.size - at));
            disk->read(at, ours);
            CHECK((vhdi->read(at, ours.size()) == ours));
        }
    }
    if (row.size > kGiB) return;
    REQUIRE(test::run_program(
        {"7z", "x", "-y", "-bso0", "-bsp0", "-o" + path("out"), path("disk.vhd")}));
    const auto extracted = fs::directory_iterator {
        path("out")
        } -> path();
    CHECK(compare_disks(*open_raw(files.open_read(extracted)), *disk, work).is_equal());
}

TEST_CASE_METHOD(Fixture, "vhd writer: id, time and geometry stand in the footer",
                 "[disk][writer][vhd]") {
    const auto disk = disk_of(4 * kMiB, {0});
    WriteOptions options = options_of(TargetFormat::vhd);
    options.virtual_disk_id = Guid::parse("4e97a2c1-8f4b-4bd0-9d5a-0f3a5b6c7d8e").value();
    options.created = parse_time("2020-10-11T12:31:15Z");
    write(*disk, "a.vhd", options);
    const auto image = open("a.vhd");
    const ImageInfo& info = image->info();
    CHECK(info.virtual_disk_id == options.virtual_disk_id);
    CHECK(info.vhd->unique_id == options.virtual_disk_id);
    CHECK(info.vhd->time_stamp == 655734675);
    CHECK(info.vhd->original_size_bytes == 4 * kMiB);
    CHECK(info.vhd->creator_application == "win ");
    // As Windows says it of its images of 4 MiB.
    CHECK(info.vhd->cylinders == 120);
    CHECK(info.vhd->heads == 4);
    CHECK(info.vhd->sectors_per_track == 17);
    CHECK(info.block_size_bytes == 2 * kMiB);
    CHECK(info.vhd->table_offset == 1536);

    write(*disk, "b.vhd", options_of(TargetFormat::vhd));
    CHECK_FALSE(open("b.vhd")->info().virtual_disk_id.is_null());
    CHECK(open("b.vhd")->info().virtual_disk_id != info.virtual_disk_id);
}

TEST_CASE("vhd writer: the geometry follows the rule", "[disk][vhd]") {
    using vhd::Geometry;
    using vhd::geometry_of;
    // Seen in files of Windows, Virtual PC and QEMU.
    CHECK(geometry_of(4 * kMiB) == Geometry{120, 4, 17});
    CHECK(geometry_of(10 * kMiB) == Geometry{301, 4, 17});
    CHECK(geometry_of(4212736) == Geometry{121, 4, 17});
    CHECK(geometry_of(127 * kGiB) == Geometry{65278, 16, 255});
    // Around the borders of the rule: heads grow, then sectors per track.
    CHECK(geometry_of(std::uint64_t{4096} * 17 * 512) == Geometry{140, 16, 31});
    CHECK(geometry_of(std::uint64_t{16384} * 17 * 512) == Geometry{561, 16, 31});
    CHECK(geometry_of(std::uint64_t{16384} * 31 * 512) == Geometry{503, 16, 63});
    CHECK(geometry_of(std::uint64_t{65535} * 16 * 63 * 512) == Geometry{16191, 16, 255});
    CHECK(geometry_of(2040 * kGiB) == Geometry{65535, 16, 255});
}

TEST_CASE_METHOD(Fixture, "vhd writer: the geometry is the one that qemu-img writes",
                 "[disk][writer][vhd]") {
    for (const std::uint64_t mib : {3, 20, 33, 34, 200, 250, 500, 504, 505, 5000, 31000, 127000}) {
        const std::string name = std::to_string(mib) + ".vhd";
        INFO(name);
        REQUIRE(test::run_program(
            {"qemu-img", "create", "-q", "-f", "vpc", path(name), std::to_string(mib) + "M"}));
        // It makes the disk as long as a geometry that is not shorter than asked.
        const auto image = open(name);
        const VhdFields& fields = *image->info().vhd;
        const vhd::Geometry theirs{fields.cylinders, fields.heads, fields.sectors_per_track};
        CHECK(vhd::geometry_of(image->size_bytes()) == theirs);
        CHECK(image->size_bytes() >= mib * kMiB);
        CHECK(image->info().warnings.empty());
    }
}

TEST_CASE_METHOD(Fixture,
                 "vhd writer: what a VHD cannot hold is refused before anything is written",
                 "[disk][writer][vhd]") {
    auto large = std::make_unique<test::MemoryFile>("large.raw");
    large->truncate(2040 * kGiB + 512);
    auto wide = std::make_unique<test::MemoryFile>("wide.raw");
    wide->truncate(8 * kMiB);
    const auto too_large = open_raw(std::move(large));
    const auto wide_sectors = open_raw(std::move(wide), 4096);
    for (const auto format : {TargetFormat::vhd, TargetFormat::vhd_fixed}) {
        for (const DiskImage* disk : {too_large.get(), wide_sectors.get()}) {
            try {
                write(*disk, "x.vhd", options_of(format));
                FAIL("it was written");
            } catch (const Error& error) {
                CHECK(error.code() == ErrorCode::unsupported);
                CHECK(error.message().find(disk == too_large.get()
                                               ? "2190433321472 bytes"
                                               : "sectors of 4096") != std::string::npos);
                CHECK(error.hint().find("vhdx") != std::string::npos);
            }
        }
    }
    CHECK(files.list(directory.path()).empty());
}

TEST_CASE_METHOD(Fixture, "vhd writer: the largest disk fits", "[disk][writer][vhd]") {
    const auto disk = disk_of(2040 * kGiB, {0, 1000 * kGiB, 2040 * kGiB - 9 * 512});
    write(*disk, "x.vhd", options_of(TargetFormat::vhd));
    const auto image = open("x.vhd");
    check_block_aliasing(*image);
    CHECK(image->info().file_size_bytes < 12 * kMiB);
    CHECK(compare_disks(*image, *disk, work).is_equal());
    CHECK(test::run_program({"qemu-img", "info", "-f", "vpc", path("x.vhd")}));
}

}  // namespace entrepot::disk
