// Deleting and giving back space.
#include "repository_fixture.h"

#include "base/error.h"

#include <catch2/catch.hpp>

namespace entrepot::repository::test {
namespace {

constexpr std::size_t kDiskBytes = 4 * kMiB;

std::uint64_t pack_bytes(const Fixture& fixture) {
    std::uint64_t sum = 0;
    for (const auto& path : fixture.objects("packs"))
        sum += std::filesystem::file_size(path);
    return sum;
}

}  // namespace

TEST_CASE("gc: what the last point let go of is removed, what others need stays", "[gc]") {
    Fixture fixture;
    DiskContent disk = make_disk(1, kDiskBytes);
    const std::string first = fixture.add_full("vm", disk);
    const auto chunks = change_disk(disk, 2, 8);
    const std::string second = fixture.add_incremental("vm", first, disk, chunks);
    const DiskContent other = make_disk(3, kDiskBytes);
    const std::string third = fixture.add_full("other", other);

    fixture.repository().delete_point(first);
    CHECK(fixture.read_disk(second) == disk);
    fixture.repository().collect_garbage(DryRun::no, fixture.work());
    CHECK(fixture.read_disk(second) == disk);
    CHECK(fixture.read_disk(third) == other);

    fixture.repository().delete_point(second);
    fixture.repository().delete_point(third);
    const GcResult planned = fixture.repository().collect_garbage(DryRun::yes, fixture.work());
    CHECK(planned.packs_removed == 3);
    CHECK(fixture.objects("packs").size() == 3);
    const GcResult result = fixture.repository().collect_garbage(DryRun::no, fixture.work());
    CHECK(result.packs_removed == planned.packs_removed);
    CHECK(result.freed_bytes == planned.freed_bytes);
    CHECK(fixture.objects("packs").empty());
    CHECK(fixture.objects("maps").empty());

    const std::string again = fixture.add_full("vm", disk);
    CHECK(fixture.read_disk(again) == disk);
}

TEST_CASE("gc: a sparse pack is compacted and its chunks stay where maps say", "[gc]") {
    Fixture fixture;
    DiskContent disk = make_content(4, kDiskBytes);
    const std::string first = fixture.add_full("vm", disk);
    std::vector<std::uint64_t> chunks;
    for (std::uint64_t chunk = 8; chunk < kDiskBytes / kChunk; ++chunk)
        chunks.push_back(chunk);
    std::fill(disk.begin() + 8 * kChunk, disk.end(), std::byte{0});
    const std::string second = fixture.add_incremental("vm", first, disk, chunks);
    fixture.repository().delete_point(first);
    const std::uint64_t before = pack_bytes(fixture);

    const GcResult result = fixture.repository().collect_garbage(DryRun::no, fixture.work());
    CHECK(result.packs_compacted == 1);
    CHECK(result.dead_chunks == 56);
    CHECK(pack_bytes(fixture) < before / 4);
    REQUIRE(fixture.objects("packs").size() == 1);
    CHECK(fixture.objects("packs").front().extension() == ".1");
    CHECK(fixture.read_disk(second) == disk);
    CHECK(fixture.repository().verify({}, VerifyDepth::data, fixture.work()).at(0).is_sound);

    // A compacted chunk is still known, a dropped one is stored anew.
    const std::string third = fixture.add_full("vm", make_content(4, kDiskBytes));
    CHECK(fixture.repository().info().chunks == kDiskBytes / kChunk);
    CHECK(fixture.read_disk(third) == make_content(4, kDiskBytes));
}

TEST_CASE("gc: nobody else may be in the repository", "[gc]") {
    Fixture fixture;
    const DiskContent disk = make_disk(5, kDiskBytes);
    const std::string point = fixture.add_full("vm", disk);
    const auto is_busy = Catch::Predicate<Error>(
        [](const Error& error) { return error.code() == ErrorCode::busy; }, "busy");
    {
        const auto reader = fixture.repository().open_point(point);
        CHECK_THROWS_MATCHES(fixture.repository().collect_garbage(DryRun::no, fixture.work()),
                             Error, is_busy);
    }
    {
        const auto writer = fixture.repository().begin_point(point_draft("vm"));
        CHECK_THROWS_MATCHES(fixture.repository().collect_garbage(DryRun::no, fixture.work()),
                             Error, is_busy);
    }
    fixture.repository().collect_garbage(DryRun::no, fixture.work());
}

TEST_CASE("gc: doubt deletes nothing", "[gc]") {
    Fixture fixture;
    const DiskContent disk = make_disk(6, kDiskBytes);
    const std::string gone = fixture.add_full("gone", make_disk(7, kDiskBytes));
    fixture.add_full("vm", disk);
    fixture.repository().delete_point(gone);
    const std::string collection = GENERATE("maps", "manifests");
    for (const auto& path : fixture.objects(collection)) {
        flip_byte(path, std::filesystem::file_size(path) / 2);
    }
    const std::size_t packs = fixture.objects("packs").size();

    CHECK_THROWS_AS(fixture.repository().collect_garbage(DryRun::no, fixture.work()), Error);
    CHECK(fixture.objects("packs").size() == packs);
}

TEST_CASE("delete: protected, held and young points stay", "[delete]") {
    Fixture fixture;
    const std::string point = fixture.add_full("vm", make_disk(8, kDiskBytes));
    Repository& repository = fixture.repository();
    const WallTime until = fixture.clock_.wall_now() + std::chrono::hours{1};
    repository.protect_point(point, until);
    CHECK_THROWS_AS(repository.protect_point(point, until - std::chrono::minutes{1}), Error);
    CHECK_THROWS_AS(repository.delete_point(point), Error);
    fixture.clock_.advance(std::chrono::hours{2});
    repository.hold_point(point, "court order");
    CHECK_THROWS_AS(repository.delete_point(point), Error);
    repository.release_point(point);
    repository.delete_point(point);
    CHECK(repository.list_points({}).empty());
}

}  // namespace entrepot::repository::test
