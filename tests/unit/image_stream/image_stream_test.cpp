// A disk streamed as an image is the disk, says qemu-img, which shares nothing with us; and its
// length was known before.
#include "storage/disk/image_stream.h"

#include "storage/disk/disk_image.h"

#include "base/error.h"
#include "base/file_system.h"
#include "tests/support/memory_file.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/disk/other_readers.h"

#include <catch2/catch.hpp>

namespace entrepot::disk {
namespace {

/// A raw disk in memory: random data at the offsets given, holes elsewhere.
std::unique_ptr<DiskImage> make_disk(std::uint64_t size, std::uint32_t sector,
                                     const std::vector<std::uint64_t>& offsets) {
    SeededRandom random{size};
    auto file = std::make_unique<test::MemoryFile>("scratch.raw");
    file->truncate(size);
    for (const std::uint64_t offset : offsets) {
        Bytes content(std::min<std::uint64_t>(3 * 4096, size - offset));
        random.fill(content);
        file->write(offset, content);
    }
    return open_raw(std::move(file), sector);
}

struct Lab {
    test::TemporaryDirectory directory;
    PosixFileSystem files;
    SeededRandom random{7};

    std::string path(const std::string& name) const { return (directory.path() / name).string(); }

    std::unique_ptr<ImageStream> open(const DiskSource& disk, TargetFormat format) {
        WriteOptions options;
        options.format = format;
        return open_image_stream(disk, options, random, {});
    }
    /// Writes the whole stream into a file and checks what it promised.
    void save(const DiskSource& disk, TargetFormat format, const std::string& name) {
        const auto stream = open(disk, format);
        const auto file = files.create(path(name));
        std::uint64_t size = 0;
        for (Bytes piece = stream->next(); !piece.empty(); piece = stream->next()) {
            REQUIRE(piece.size() <= kImagePieceBytes);
            file->write(size, piece);
            size += piece.size();
        }
        CHECK(size == stream->size_bytes());
        CHECK(stream->next().empty());
    }
    void write_raw(const DiskSource& disk, const std::string& name) {
        const auto file = files.create(path(name));
        file->truncate(disk.size_bytes());
        Bytes piece(kMiB);
        for (std::uint64_t at = 0; at < disk.size_bytes(); at += piece.size()) {
            piece.resize(std::min<std::uint64_t>(kMiB, disk.size_bytes() - at));
            disk.read(at, piece);
            if (!is_zero(piece)) file->write(at, piece);
        }
    }
    bool equals(const std::string& format, const std::string& name) const {
        return test::run_program(
            {"qemu-img", "compare", "-f", "raw", "-F", format, path("disk"), path(name)});
    }
};

const char* format_name(TargetFormat format) {
    return format == TargetFormat::raw ? "raw" : format == TargetFormat::vhdx ? "vhdx" : "qcow2";
}

}  // namespace

TEST_CASE("image stream: every format is the disk, whatever its size and where its data lies",
          "[disk]") {
    struct Row {
        std::uint64_t size;
        std::uint32_t sector;
        std::vector<std::uint64_t> offsets;
    };
    const Row row = GENERATE(
        Row{64 * kMiB, 512, {0, 5 * kMiB, 64 * kMiB - 4096}},
        Row{5 * kMiB + 8192, 4096, {5 * kMiB}},
        Row{33 * kMiB + 512, 512, {33 * kMiB, 2 * kMiB - 4096}}, Row{2 * kMiB, 512, {}},
        // More than one table of the second level, and a part of the disk without any data.
        Row{1700 * kMiB, 512, {3 * kMiB, 1100 * kMiB, 1699 * kMiB}});
    const auto disk = make_disk(row.size, row.sector, row.offsets);
    Lab lab;
    lab.write_raw(*disk, "disk");
    for (const auto format : {TargetFormat::raw, TargetFormat::vhdx, TargetFormat::qcow2}) {
        INFO(row.size << " bytes as " << format_name(format));
        lab.save(*disk, format, format_name(format));
        // qemu-img reads no VHDX with sectors of 4096 bytes: the next test does.
        if (format == TargetFormat::vhdx && row.sector != 512) continue;
        CHECK(lab.equals(format_name(format), format_name(format)));
    }
    CHECK(test::run_program({"qemu-img", "check", "-q", lab.path("qcow2")}));
}

TEST_CASE("image stream: a VHDX keeps sectors and is read by our own reader", "[disk]") {
    const auto disk = make_disk(40 * kMiB, 4096, {0, 39 * kMiB});
    Lab lab;
    lab.save(*disk, TargetFormat::vhdx, "disk.vhdx");
    const auto image = open_any(lab.files.open_read(lab.path("disk.vhdx")));
    CHECK(image->info().logical_sector_size == 4096);
    CHECK(image->size_bytes() == 40 * kMiB);
    Bytes ours(12'288);
    Bytes theirs(12'288);
    disk->read(39 * kMiB, ours);
    image->read(39 * kMiB, theirs);
    CHECK(ours == theirs);
}

TEST_CASE("image stream: of a large disk only what holds data is sent", "[disk]") {
    const auto disk = make_disk(30 * kTiB, 512, {0, 17 * kTiB});
    Lab lab;
    // Two blocks of 32 MiB, behind the structures of 30 TiB.
    CHECK(lab.open(*disk, TargetFormat::vhdx)->size_bytes() < 80 * kMiB);
    lab.save(*disk, TargetFormat::qcow2, "large");
    CHECK(lab.files.open_read(lab.path("large"))->size() < 40 * kMiB);
    CHECK(test::run_program({"qemu-img", "check", "-q", lab.path("large")}));
    CHECK(lab.open(*disk, TargetFormat::raw)->size_bytes() == 30 * kTiB);
}

namespace {

/// Breaks off in the middle.
class BadDisk final : public DiskSource {
public:
    std::uint64_t size_bytes() const override { return 8 * kMiB; }
    std::uint32_t logical_sector_size() const override { return 512; }
    void read(std::uint64_t offset, MutableByteView target) const override {
        if (offset + target.size() > 5 * kMiB)
            throw Error{ErrorCode::corrupt, "a chunk is damaged"};
        std::fill(target.begin(), target.end(), std::byte{1});
    }
    DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override {
        return {offset, std::min(length_max, size_bytes() - offset), ExtentKind::data};
    }
};

}  // namespace

TEST_CASE("image stream: damage ends it with an error, short of the length that was promised",
          "[disk]") {
    const BadDisk disk;
    Lab lab;
    for (const auto format : {TargetFormat::raw, TargetFormat::vhdx, TargetFormat::qcow2}) {
        const auto stream = lab.open(disk, format);
        std::uint64_t sent = 0;
        const auto send_all = [&] {
            for (Bytes piece = stream->next(); !piece.empty(); piece = stream->next())
                sent += piece.size();
        };
        CHECK_THROWS_AS(send_all(), Error);
        CHECK(sent < stream->size_bytes());
    }
}

TEST_CASE("image stream: what cannot be streamed is refused before anything is read", "[disk]") {
    const auto disk = make_disk(kMiB, 512, {});
    Lab lab;
    CHECK_THROWS_AS(lab.open(*disk, TargetFormat::vhd), Error);
    CHECK_THROWS_AS(lab.open(*disk, TargetFormat::vhdx_fixed), Error);
    WriteOptions options;
    options.format = TargetFormat::qcow2;
    std::stop_source stop;
    stop.request_stop();
    CHECK_THROWS_AS(open_image_stream(*disk, options, lab.random, stop.get_token()), Error);
}

}  // namespace entrepot::disk
