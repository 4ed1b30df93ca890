// Chunks from extents, and what is merged from a base.
#include "tests/unit/backup/memory_repository.h"
#include "tests/unit/backup/memory_source.h"

#include "appliance/backup/chunk_runs.h"
#include "appliance/backup/content_digest.h"
#include "appliance/backup/disk_copy.h"
#include "appliance/backup/merged_disk.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace entrepot;
using backup::ByteRange;
using backup::ChunkRuns;
using backup::MergedDisk;
using disk::DiskExtent;
using disk::ExtentKind;

namespace {

constexpr std::uint32_t kChunk = 64 * 1024;

/// A layer given by its extents; data reads as its offset's sector number.
class ExtentSource final : public disk::DiskSource {
public:
    ExtentSource(std::uint64_t size_bytes, std::vector<DiskExtent> extents)
        : size_bytes_(size_bytes), extents_(std::move(extents)) {}
    std::uint64_t size_bytes() const override { return size_bytes_; }
    std::uint32_t logical_sector_size() const override { return 512; }
    void read(std::uint64_t, MutableByteView target) const override {
        std::fill(target.begin(), target.end(), std::byte{0xAA});
    }
    DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override {
        ++extent_calls;
        for (const DiskExtent& extent : extents_) {
            if (offset < extent.offset) {
                return {offset, std::min(length_max, extent.offset - offset), ExtentKind::parent};
            }
            if (offset - extent.offset < extent.length) {
                return {offset, std::min(length_max, extent.length - (offset - extent.offset)),
                        extent.kind};
            }
        }
        return {offset, std::min(length_max, size_bytes_ - offset), ExtentKind::parent};
    }
    mutable std::size_t extent_calls = 0;

private:
    std::uint64_t size_bytes_;
    std::vector<DiskExtent> extents_;
};

std::vector<std::tuple<std::uint64_t, std::uint64_t, bool>> all_runs(const disk::DiskSource& disk) {
    std::vector<std::tuple<std::uint64_t, std::uint64_t, bool>> found;
    ChunkRuns runs{disk, kChunk};
    while (const auto run = runs.next())
        found.emplace_back(run->offset, run->length, run->is_zero);
    return found;
}

using Runs = std::vector<std::tuple<std::uint64_t, std::uint64_t, bool>>;

}  // namespace

TEST_CASE("chunk runs: a sector of data makes its chunk data, nothing else", "[backup]") {
    const ExtentSource disk{10 * kChunk, {{3 * kChunk + 512, 512, ExtentKind::data}}};
    CHECK(all_runs(disk) == Runs{{3 * kChunk, kChunk, false}});
}

TEST_CASE("chunk runs: zeros beside the parent's bytes are data, whole chunks of zeros are zeros",
          "[backup]") {
    const ExtentSource disk{10 * kChunk,
                            {{kChunk + 4096, 3 * kChunk, ExtentKind::zero},
                             {6 * kChunk, 1024, ExtentKind::unmapped},
                             {6 * kChunk + 1024, kChunk - 1024, ExtentKind::zero}}};
    CHECK(all_runs(disk) == Runs{{kChunk, kChunk, false},
                                 {2 * kChunk, 2 * kChunk, true},
                                 {4 * kChunk, kChunk, false},
                                 {6 * kChunk, kChunk, true}});
}

TEST_CASE("chunk runs: the last chunk ends with the disk", "[backup]") {
    const ExtentSource disk{kChunk + 512, {{kChunk, 512, ExtentKind::data}}};
    CHECK(all_runs(disk) == Runs{{kChunk, 512, false}});
}

TEST_CASE("chunk runs: 64 TiB of nothing cost nothing", "[backup]") {
    const ExtentSource disk{64 * kTiB, {{32 * kTiB, kTiB, ExtentKind::zero}}};
    CHECK(all_runs(disk) == Runs{{32 * kTiB, kTiB, true}});
    CHECK(disk.extent_calls < 10);
}

TEST_CASE("merged disk: reads layers over the base, and shows where the views may differ",
          "[backup]") {
    Bytes below(4 * kChunk, std::byte{0x11});
    const test::MemorySource base{below, 512};
    const ExtentSource layer{
        4 * kChunk, {{kChunk, 512, ExtentKind::data}, {kChunk + 512, 512, ExtentKind::zero}}};
    const MergedDisk merged{layer, &base, {{3 * kChunk, kChunk}}};
    Bytes read(2048);
    merged.read(kChunk - 512, read);
    CHECK(read[0] == std::byte{0x11});
    CHECK(read[512] == std::byte{0xAA});
    CHECK(read[1024] == std::byte{0});
    CHECK(read[1536] == std::byte{0x11});
    CHECK(all_runs(merged) == Runs{{kChunk, kChunk, false}, {3 * kChunk, kChunk, false}});
}

TEST_CASE("merged disk: another size of the base is refused", "[backup]") {
    const test::MemorySource base{Bytes(kChunk), 512};
    const ExtentSource layer{2 * kChunk, {}};
    CHECK_THROWS_AS((MergedDisk{layer, &base, {}}), Error);
}

TEST_CASE("content digest: is that of the raw content, holes included", "[backup]") {
    const test::MemorySource base{Bytes(3 * kChunk), 512};
    const ExtentSource layer{3 * kChunk, {}};
    const MergedDisk merged{layer, &base, {}};
    NullProgress progress;
    // sha256sum of 196608 zero bytes.
    CHECK(backup::hash_content(merged, Work{progress}) ==
          "3381de4ca9f3a477f25989dfc8b744e7916046b7aa369f61a9a2f7dc0963ec9e");
}
