// Where a full and the increments over their base disagree, chunk by chunk.
#include "tests/unit/backup/memory_source.h"

#include "appliance/backup/comparison_report.h"
#include "appliance/backup/disk_compare.h"
#include "appliance/backup/limits.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace entrepot;
using backup::ByteRange;
using backup::DiskComparison;
using backup::MergedDisk;
using disk::DiskExtent;
using disk::ExtentKind;
using test::MemorySource;

namespace {

constexpr std::uint32_t kChunk = 64 * 1024;
constexpr std::uint32_t kSector = 512;

/// A layer of which only some ranges say anything; data reads as the value given.
class Layer final : public disk::DiskSource {
public:
    Layer(std::uint64_t size_bytes, std::vector<DiskExtent> extents, std::byte value)
        : size_bytes_(size_bytes), extents_(std::move(extents)), value_(value) {}
    std::uint64_t size_bytes() const override { return size_bytes_; }
    std::uint32_t logical_sector_size() const override { return kSector; }
    void read(std::uint64_t offset, MutableByteView target) const override {
        for (std::size_t at = 0; at < target.size(); at += kSector) {
            ++sectors_read;
            const DiskExtent extent = extent_at(offset + at, kSector);
            REQUIRE(extent.kind != ExtentKind::parent);
            std::fill_n(target.begin() + static_cast<std::ptrdiff_t>(at), kSector,
                        extent.kind == ExtentKind::data ? value_ : std::byte{0});
        }
    }
    DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override {
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
    mutable std::size_t sectors_read = 0;

private:
    std::uint64_t size_bytes_;
    std::vector<DiskExtent> extents_;
    std::byte value_;
};

DiskComparison compare(const disk::DiskSource& changes, const disk::DiskSource& base,
                       const disk::DiskSource& full) {
    NullProgress progress;
    backup::CopyProgress done;
    const MergedDisk claimed{changes, &base, {}};
    return backup::compare_disks(claimed, full, kChunk, done, Work{progress});
}

Bytes filled(std::size_t size, std::byte value) {
    Bytes bytes(size);
    std::fill(bytes.begin(), bytes.end(), value);
    return bytes;
}

}  // namespace

TEST_CASE("disk compare: what the changes left out is found, in chunks that touch joined",
          "[backup][compare]") {
    const std::size_t size = 10 * 1024 * 1024 + 4096;  // Several windows, no multiple of a chunk.
    const Bytes before = filled(size, std::byte{1});
    Bytes after = before;
    std::fill_n(after.begin() + 3 * kChunk, kSector, std::byte{2});        // Told.
    std::fill_n(after.begin() + 7 * kChunk + 512, kSector, std::byte{2});  // Not told, and below.
    std::fill_n(after.begin() + 8 * kChunk, 2 * kChunk, std::byte{2});
    std::fill_n(after.begin() + static_cast<std::ptrdiff_t>(size) - 512, 512, std::byte{2});
    const Layer changes{size, {{3 * kChunk, kSector, ExtentKind::data}}, std::byte{2}};

    const DiskComparison result =
        compare(changes, MemorySource{before, kSector}, MemorySource{after, kSector});

    CHECK(result.compared_bytes == size);
    CHECK(result.ranges == std::vector<ByteRange>{{7 * kChunk, 3 * kChunk}, {size - 4096, 4096}});
    CHECK(result.range_count == 2);
    CHECK(result.disagreeing_bytes == 3 * kChunk + 4096);
    CHECK(result.discarded_bytes == 0);
}

TEST_CASE("disk compare: changes without any content say that all is as it was",
          "[backup][compare]") {
    const Bytes before = filled(4 * kChunk, std::byte{1});
    Bytes after = before;
    const Layer nothing{before.size(), {}, std::byte{0}};
    CHECK(compare(nothing, MemorySource{before, kSector}, MemorySource{after, kSector})
              .disagreeing_bytes == 0);
    after[kChunk] = std::byte{9};
    CHECK(compare(nothing, MemorySource{before, kSector}, MemorySource{after, kSector}).ranges ==
          std::vector<ByteRange>{{kChunk, kChunk}});
}

TEST_CASE("disk compare: zeros that the guest wrote count, however they are told",
          "[backup][compare]") {
    const Bytes before = filled(4 * kChunk, std::byte{1});
    Bytes after = before;
    std::fill_n(after.begin() + kChunk, kChunk, std::byte{0});
    const MemorySource full{after, kSector};
    SECTION("a zero block agrees with zeros in the full") {
        const Layer changes{before.size(), {{kChunk, kChunk, ExtentKind::zero}}, std::byte{0}};
        CHECK(compare(changes, MemorySource{before, kSector}, full).disagreeing_bytes == 0);
    }
    SECTION("so do zeros that were written out") {
        const Layer changes{before.size(), {{kChunk, kChunk, ExtentKind::data}}, std::byte{0}};
        CHECK(compare(changes, MemorySource{before, kSector}, full).disagreeing_bytes == 0);
    }
    SECTION("zeros that the changes do not tell of are a disagreement") {
        const Layer changes{before.size(), {}, std::byte{0}};
        CHECK(compare(changes, MemorySource{before, kSector}, full).ranges ==
              std::vector<ByteRange>{{kChunk, kChunk}});
    }
    SECTION("zeros that the changes invent are one, too") {
        const Layer changes{
            before.size(),
            {{kChunk, kChunk, ExtentKind::zero}, {3 * kChunk, kSector, ExtentKind::zero}},
            std::byte{0}};
        CHECK(compare(changes, MemorySource{before, kSector}, full).ranges ==
              std::vector<ByteRange>{{3 * kChunk, kChunk}});
    }
}

TEST_CASE("disk compare: what a guest gave back means nothing, on either side",
          "[backup][compare]") {
    const Bytes before = filled(4 * kChunk, std::byte{1});
    const MemorySource base{before, kSector};
    const Layer nothing{before.size(), {}, std::byte{0}};
    SECTION("unmapped in the full, and the changes do not say so") {
        const Layer full{before.size(),
                         {{0, kChunk, ExtentKind::data},
                          {kChunk, kChunk, ExtentKind::unmapped},
                          {2 * kChunk, 2 * kChunk, ExtentKind::data}},
                         std::byte{1}};
        const DiskComparison result = compare(nothing, base, full);
        CHECK(result.disagreeing_bytes == 0);
        CHECK(result.discarded_bytes == kChunk);
    }
    SECTION("unmapped in the changes, and the full still has the bytes") {
        const Layer changes{before.size(), {{kChunk, kChunk, ExtentKind::unmapped}}, std::byte{0}};
        const DiskComparison result = compare(changes, base, base);
        CHECK(result.disagreeing_bytes == 0);
        CHECK(result.discarded_bytes == kChunk);
    }
    SECTION("beside a write that the changes left out it hides nothing") {
        const Layer full{before.size(),
                         {{0, kChunk, ExtentKind::unmapped},
                          {kChunk, 4096, ExtentKind::unmapped},
                          {kChunk + 4096, 512, ExtentKind::zero},
                          {kChunk + 4608, 3 * kChunk - 4608, ExtentKind::data}},
                         std::byte{1}};
        const DiskComparison result = compare(nothing, base, full);
        CHECK(result.ranges == std::vector<ByteRange>{{kChunk, kChunk}});
        CHECK(result.discarded_bytes == kChunk);
    }
}

TEST_CASE("disk compare: a hole on both sides is not read", "[backup][compare]") {
    const std::uint64_t size = std::uint64_t{1} << 40;  // Reading it would never end.
    const Layer empty{size, {{0, size, ExtentKind::zero}}, std::byte{0}};
    const Layer changes{size, {{size - kChunk, kChunk, ExtentKind::data}}, std::byte{7}};
    const Layer full{
        size,
        {{0, size - kChunk, ExtentKind::zero}, {size - kChunk, kChunk, ExtentKind::data}},
        std::byte{8}};
    const DiskComparison result = compare(changes, empty, full);
    CHECK(result.ranges == std::vector<ByteRange>{{size - kChunk, kChunk}});
    CHECK(full.sectors_read == kChunk / kSector);
    CHECK(empty.sectors_read == 0);
}

TEST_CASE("disk compare: the list of ranges is bounded, its count is not", "[backup][compare]") {
    const std::size_t chunks = 3 * backup::limits::kComparisonRangesMax;
    const Bytes before = filled(chunks * kChunk, std::byte{1});
    Bytes after = before;
    for (std::size_t chunk = 0; chunk < chunks; chunk += 2)
        after[chunk * kChunk] = std::byte{2};
    // After the last range that fits into the list, two that touch.
    after[(chunks - 1) * kChunk] = std::byte{2};
    const Layer nothing{before.size(), {}, std::byte{0}};
    const DiskComparison result =
        compare(nothing, MemorySource{before, kSector}, MemorySource{after, kSector});
    CHECK(result.ranges.size() == backup::limits::kComparisonRangesMax);
    CHECK(result.ranges.back() ==
          ByteRange{(backup::limits::kComparisonRangesMax - 1) * 2 * kChunk, kChunk});
    CHECK(result.range_count == chunks / 2);
    CHECK(result.disagreeing_bytes == (chunks / 2 + 1) * kChunk);
}

TEST_CASE("disk compare: it ends when it is stopped", "[backup][compare]") {
    const Bytes content = filled(2 * kChunk, std::byte{1});
    const Layer nothing{content.size(), {}, std::byte{0}};
    const MemorySource base{content, kSector};
    const MergedDisk claimed{nothing, &base, {}};
    std::stop_source stop;
    stop.request_stop();
    NullProgress progress;
    backup::CopyProgress done;
    CHECK_THROWS_AS(
        backup::compare_disks(claimed, base, kChunk, done, Work{progress, stop.get_token()}),
        Error);
}

TEST_CASE("comparison report: an older point has none", "[backup][compare]") {
    CHECK(backup::comparison_of(Json::object()).is_null());
    CHECK_FALSE(backup::is_disagreement(backup::comparison_of(Json::object())));
    CHECK_FALSE(backup::is_agreement(backup::comparison_of(Json::object())));
}

TEST_CASE("comparison report: without any disk that could be compared it says why",
          "[backup][compare]") {
    backup::ComparisonReport report;
    report.base_point = "b";
    report.disks.push_back({0, "id", "a.vhdx", std::nullopt, "the host sent the complete disk"});
    report.suspect_points = {"p"};
    report.suspect_point_count = 1;
    const Json json = to_json(report);
    CHECK(json["result"] == "not_possible");
    CHECK(json["reason"] == "the host sent the complete disk");
    CHECK(json["suspect_points"] == Json::array());
    CHECK(backup::describe_comparison(json).find("the host sent the complete disk") !=
          std::string::npos);
}
