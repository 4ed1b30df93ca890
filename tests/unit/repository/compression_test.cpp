// How hard chunks are compressed: less room for more work, and nothing else.
#include "repository_fixture.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>

namespace entrepot::repository::test {
namespace {

constexpr std::size_t kDiskBytes = 16 * kChunk;

/// Words of a small vocabulary: what a higher level finds more in.
DiskContent make_prose(std::uint64_t seed) {
    constexpr std::uint64_t kFactor = 6364136223846793005;
    DiskContent disk;
    std::uint64_t state = seed;
    while (disk.size() < kDiskBytes) {
        state = state * kFactor + 1442695040888963407;
        const std::string word = "word" + std::to_string(state >> 54U) + " ";
        const ByteView bytes = as_bytes(word);
        disk.insert(disk.end(), bytes.begin(), bytes.end());
    }
    disk.resize(kDiskBytes);
    return disk;
}

std::uint64_t stored_at(int level, const DiskContent& disk) {
    Fixture fixture;
    fixture.compression_level_ = level;
    fixture.reopen();
    const std::string point = fixture.add_full("vm", disk);
    CHECK(fixture.read_disk(point) == disk);
    fixture.compression_level_ = 1;
    fixture.reopen();
    CHECK(fixture.read_disk(point) == disk);
    return fixture.repository().find_point(point).unique_bytes;
}

}  // namespace

TEST_CASE("compression: a higher level takes less room, and any build reads it", "[repository]") {
    const DiskContent disk = make_prose(1);
    const std::uint64_t low = stored_at(1, disk);
    const std::uint64_t high = stored_at(19, disk);
    CHECK(low < kDiskBytes / 2);
    CHECK(high < low * 9 / 10);
}

TEST_CASE("compression: what is stored already is not stored again at another level",
          "[repository]") {
    Fixture fixture;
    const DiskContent disk = make_prose(2);
    fixture.add_full("vm", disk);
    fixture.compression_level_ = 19;
    fixture.reopen();
    const std::string again = fixture.add_full("vm", disk);
    CHECK(fixture.repository().find_point(again).unique_bytes < kChunk / 2);
    CHECK(fixture.read_disk(again) == disk);
}

TEST_CASE("compression: there is no level beyond those of zstd", "[repository]") {
    Fixture fixture;
    for (const int level : {-1, 0, 20, 1000}) {
        fixture.compression_level_ = level;
        CHECK_THROWS_AS(fixture.reopen(), Error);
    }
    fixture.compression_level_ = 19;
    CHECK_NOTHROW(fixture.reopen());
}

}  // namespace entrepot::repository::test
