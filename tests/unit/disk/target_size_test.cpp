// The room that an image takes is foretold: never less than it then occupies, and about that much.
#include "storage/disk/target_size.h"

#include "storage/disk/disk_image.h"

#include "base/error.h"
#include "base/progress.h"
#include "tests/support/memory_file.h"
#include "tests/support/temporary_directory.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

using namespace entrepot;

namespace {

std::unique_ptr<disk::DiskImage> sparse_disk(std::uint64_t size, std::uint64_t data_every,
                                             std::uint64_t data_bytes,
                                             std::uint32_t sector_size = 512) {
    auto file = std::make_unique<test::MemoryFile>("scratch.raw");
    file->truncate(size);
    SeededRandom random{7};
    Bytes content(data_bytes);
    for (std::uint64_t offset = 0; offset + data_bytes <= size; offset += data_every) {
        random.fill(content);
        file->write(offset, content);
    }
    return disk::open_raw(std::move(file), sector_size);
}

std::uint64_t occupied_bytes(const std::filesystem::path& file) {
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
}

}  // namespace

TEST_CASE("target size: what is written takes no more, and not much less", "[disk]") {
    const auto name = GENERATE("raw", "vhdx", "vhdx-fixed", "vhd", "vhd-fixed", "qcow2");
    INFO(name);
    const auto source = sparse_disk(300 * kMiB, 9 * kMiB, kMiB);
    disk::WriteOptions options;
    options.format = disk::parse_target_format(name);
    const std::uint64_t foretold = disk::target_bytes_max(*source, options);

    PosixFileSystem file_system;
    SeededRandom random{1};
    test::TemporaryDirectory directory;
    const auto target = directory.path() / "disk";
    NullProgress progress;
    disk::write_disk(file_system, random, *source, target, options, Work{progress});
    CHECK(occupied_bytes(target) <= foretold);
    CHECK(foretold < 120 * kMiB);  // 33 MiB of data, twice for qcow2, in a disk of 300 MiB.
}

TEST_CASE("target size: a disk that the format cannot hold is refused as in writing it", "[disk]") {
    const auto source = sparse_disk(8 * kMiB, 4 * kMiB, 64 * kKiB, 4096);
    disk::WriteOptions options;
    options.format = disk::TargetFormat::vhd;
    CHECK_THROWS_AS(disk::target_bytes_max(*source, options), Error);
    options.format = disk::TargetFormat::vhdx;
    CHECK(disk::target_bytes_max(*source, options) > 128 * kKiB);
}
