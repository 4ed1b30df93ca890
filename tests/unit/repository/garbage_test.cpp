// Deleting and giving back space.
#include "repository_fixture.h"

#include "storage/repository/pack_format.h"

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

struct PackPlaces {
    std::uint64_t table_offset = 0;
    std::vector<std::uint64_t> slot_offsets;
};

PackPlaces find_places(ByteView pack) {
    const PackTrailer trailer = decode_pack_trailer(pack.last(kPackTrailerBytes), pack.size());
    PackPlaces places{trailer.table_offset, {}};
    for (std::uint64_t offset = kPackHeaderBytes; offset < trailer.table_offset;) {
        const auto slot = decode_slot_header(pack.subspan(offset, kSlotHeaderBytes));
        REQUIRE(slot);
        places.slot_offsets.push_back(offset);
        offset += slot->size_bytes();
    }
    return places;
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

TEST_CASE("gc: a dry run says of each pack with waste what would become of it, and why", "[gc]") {
    Fixture fixture;
    const DiskContent whole = make_content(11, kDiskBytes);
    const std::string dead = fixture.add_full("dead", make_content(12, kDiskBytes));
    const std::string sparse = fixture.add_full("sparse", whole);
    DiskContent part = whole;
    part.resize(kDiskBytes / 4);
    fixture.add_full("kept", part);
    DiskContent most = make_content(13, kDiskBytes);
    const std::string partly = fixture.add_full("partly", most);
    most.resize(kDiskBytes * 3 / 4);
    fixture.add_full("kept", most);
    fixture.add_full("all of it", make_content(14, kDiskBytes));
    for (const std::string& point : {dead, sparse, partly})
        fixture.repository().delete_point(point);
    const auto before = fixture.objects("packs");

    const GcResult foreseen = fixture.repository().collect_garbage(DryRun::yes, fixture.work());
    CHECK(fixture.objects("packs") == before);
    CHECK(fixture.repository().info().waste_bytes == 0);  // It only looks.
    REQUIRE(foreseen.packs.size() == 3);
    CHECK(foreseen.packs[0].fate == PackFate::removed);
    CHECK(foreseen.packs[0].reason == "no point needs any of it");
    CHECK(foreseen.packs[0].live_chunks == 0);
    CHECK(foreseen.packs[0].dead_chunks == kDiskBytes / kChunk);
    CHECK(foreseen.packs[1].fate == PackFate::compacted);
    CHECK(foreseen.packs[1].reason.starts_with("points need 2"));
    CHECK(foreseen.packs[1].reason.ends_with(" % of it, less than 60 %"));
    CHECK(foreseen.packs[2].fate == PackFate::kept);
    CHECK(foreseen.packs[2].reason.starts_with("points need 7"));
    CHECK(foreseen.packs[2].dead_chunks == kDiskBytes / kChunk / 4);
    CHECK(foreseen.packs_kept == 2);
    CHECK(foreseen.waste_bytes == foreseen.packs[2].dead_bytes);

    const GcResult done = fixture.repository().collect_garbage(DryRun::no, fixture.work());
    CHECK(done.packs_removed == 1);
    CHECK(done.packs_compacted == 1);
    CHECK(done.packs_kept == 2);
    CHECK(done.packs.empty());
    CHECK(fixture.repository().info().waste_bytes == foreseen.waste_bytes);
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

TEST_CASE("gc: a pack whose slots can't be told any more stays while a point needs it", "[gc]") {
    Fixture fixture;
    DiskContent disk = make_content(9, kDiskBytes);
    const std::string first = fixture.add_full("vm", disk);
    // The point that stays needs the last chunks; those before them are dead.
    std::vector<std::uint64_t> chunks;
    for (std::uint64_t chunk = 2; chunk < 56; ++chunk)
        chunks.push_back(chunk);
    std::fill(disk.begin() + 2 * kChunk, disk.begin() + 56 * kChunk, std::byte{0});
    fixture.add_incremental("vm", first, disk, chunks);
    fixture.repository().delete_point(first);
    fixture.close();
    const auto pack = fixture.objects("packs").at(0);
    const Bytes before = fixture.posix_.read_file(pack, 2 * kDiskBytes);
    const PackPlaces places = find_places(before);
    flip_byte(pack, places.table_offset + 5);
    // Without its table a pack is scanned slot by slot, up to the first that is damaged.
    const std::size_t damaged_slot = GENERATE(0, 30);
    flip_byte(pack, places.slot_offsets.at(damaged_slot) + 9);
    const Bytes damaged = fixture.posix_.read_file(pack, 2 * kDiskBytes);
    fixture.reopen();

    fixture.repository().collect_garbage(DryRun::no, fixture.work());
    REQUIRE(fixture.objects("packs") == std::vector{pack});
    CHECK(fixture.posix_.read_file(pack, 2 * kDiskBytes) == damaged);
}

TEST_CASE("gc: compaction does not make damage look sound", "[gc]") {
    Fixture fixture;
    DiskContent disk = make_content(10, kDiskBytes);
    const std::string first = fixture.add_full("vm", disk);
    std::vector<std::uint64_t> chunks;
    for (std::uint64_t chunk = 8; chunk < kDiskBytes / kChunk; ++chunk)
        chunks.push_back(chunk);
    std::fill(disk.begin() + 8 * kChunk, disk.end(), std::byte{0});
    fixture.add_incremental("vm", first, disk, chunks);
    fixture.repository().delete_point(first);
    fixture.close();
    flip_byte(fixture.objects("packs").at(0), kPackHeaderBytes + kSlotHeaderBytes + 1000);
    fixture.reopen();

    fixture.repository().collect_garbage(DryRun::no, fixture.work());
    CHECK_FALSE(fixture.repository().verify({}, VerifyDepth::packs, fixture.work()).at(0).is_sound);
}

}  // namespace entrepot::repository::test
