// What nobody wrote into an image is found; zeros that somebody wrote are not, and cannot be.
#include "storage/disk/unwritten_blocks.h"

#include "storage/disk/disk_image.h"
#include "storage/disk/disk_writer.h"

#include "base/file_system.h"
#include "base/progress.h"
#include "base/random.h"
#include "tests/support/temporary_directory.h"

#include <fcntl.h>
#include <catch2/catch.hpp>

#include <linux/falloc.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace entrepot::disk {
namespace {

constexpr std::uint64_t kFixedBlockBytes = 2 * kMiB;

/// An image of a disk of eight blocks, the first of the last six with content.
class Images {
public:
    explicit Images(TargetFormat format = TargetFormat::vhdx) {
        const auto raw = directory_.path() / "disk.raw";
        const auto source = files_.create(raw);
        const Bytes content(kMiB, std::byte{0x5A});
        for (std::uint64_t block = 2; block < kBlocks; ++block)
            source->write(block * kBlockBytes, content);
        source->truncate(kBlocks * kBlockBytes);
        NullProgress progress;
        WriteOptions options;
        options.format = format;
        write_disk(files_, random_, *open_raw(files_.open_read(raw)), path(), options,
                   Work{progress});
    }

    std::filesystem::path path() const { return directory_.path() / "disk.vhdx"; }
    UnwrittenBlocks find() { return find_unwritten_blocks(*open_any(files_.open_read(path()))); }
    std::uint64_t file_size() const { return std::filesystem::file_size(path()); }
    /// As a crash of the server leaves a file.
    void lose_end(std::uint64_t bytes) {
        const std::uint64_t size = file_size();
        std::filesystem::resize_file(path(), size - bytes);
        std::filesystem::resize_file(path(), size);
    }
    void punch(std::uint64_t offset, std::uint64_t length) {
        const int file = ::open(path().c_str(), O_RDWR | O_CLOEXEC);
        REQUIRE(file >= 0);
        const int result = ::fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                       static_cast<off_t>(offset), static_cast<off_t>(length));
        ::close(file);
        REQUIRE(result == 0);
    }
    void write_zeros(std::uint64_t offset, std::uint64_t length) {
        std::fstream file{path(), std::ios::binary | std::ios::in | std::ios::out};
        file.seekp(static_cast<std::streamoff>(offset));
        file << std::string(length, '\0');
    }

    static constexpr std::uint64_t kBlocks = 8;
    static constexpr std::uint64_t kBlockBytes = 32 * kMiB;

private:
    test::TemporaryDirectory directory_;
    PosixFileSystem files_;
    SeededRandom random_{7};
};

}  // namespace

TEST_CASE("unwritten blocks: an image as it was written has none, though blocks have holes",
          "[disk]") {
    Images images;
    const UnwrittenBlocks found = images.find();
    CHECK(found.count == 0);
    CHECK(found.content_count == 6);
    CHECK_FALSE(found.ends_in_zeros);
}

TEST_CASE("unwritten blocks: an end that was lost is seen", "[F-SH-04][disk]") {
    Images images;
    const std::uint64_t blocks = GENERATE(1U, 2U, 5U);
    images.lose_end(blocks * Images::kBlockBytes);
    const UnwrittenBlocks found = images.find();
    CHECK(found.count == blocks);
    CHECK(found.ends_in_zeros);
    CHECK(found.first_offset == images.file_size() - blocks * Images::kBlockBytes);
}

TEST_CASE("unwritten blocks: a hole in the middle is seen, however much follows it",
          "[F-SH-04][disk]") {
    Images images;
    images.punch(images.file_size() - 3 * Images::kBlockBytes, Images::kBlockBytes);
    const UnwrittenBlocks found = images.find();
    CHECK(found.count == 1);
    CHECK(found.first_offset == images.file_size() - 3 * Images::kBlockBytes);
    CHECK_FALSE(found.ends_in_zeros);
}

TEST_CASE("unwritten blocks: zeros that were written are content like any other",
          "[F-SH-04][disk]") {
    Images images;
    images.write_zeros(images.file_size() - Images::kBlockBytes, Images::kBlockBytes);
    const UnwrittenBlocks found = images.find();
    CHECK(found.count == 0);
    // It is told all the same: nobody can say who wrote them.
    CHECK(found.ends_in_zeros);
}

TEST_CASE("unwritten blocks: a fixed image has all of its blocks", "[F-SH-04][disk]") {
    Images images{TargetFormat::vhdx_fixed};
    images.write_zeros(images.file_size() - Images::kBlocks * Images::kBlockBytes,
                       Images::kBlocks * Images::kBlockBytes);
    CHECK(images.find().count == 0);
    CHECK_FALSE(images.find().ends_in_zeros);
    images.lose_end(2 * Images::kBlockBytes);
    CHECK(images.find().count == 2 * Images::kBlockBytes / kFixedBlockBytes);
}

TEST_CASE("unwritten blocks: a raw disk has no table that could say something", "[disk]") {
    test::TemporaryDirectory directory;
    PosixFileSystem files;
    const auto path = directory.path() / "disk.raw";
    files.create(path)->truncate(64 * kMiB);
    CHECK(find_unwritten_blocks(*open_raw(files.open_read(path))).content_count == 0);
}

}  // namespace entrepot::disk
