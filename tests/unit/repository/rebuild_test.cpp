// The repository explains itself: catalog and index from the objects.
#include "repository_fixture.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

namespace entrepot::repository::test {
namespace {

constexpr std::size_t kDiskBytes = 2 * kMiB;

}  // namespace

TEST_CASE("rebuild: a catalog that is gone or damaged comes back at the next start", "[rebuild]") {
    Fixture fixture;
    DiskContent disk = make_disk(1, kDiskBytes);
    const DiskContent before = disk;
    const std::string first = fixture.add_full("vm", disk);
    const auto chunks = change_disk(disk, 2, 4);
    const std::string second = fixture.add_incremental("vm", first, disk, chunks);
    fixture.repository().hold_point(first, "kept");
    const std::uint64_t sequence = fixture.repository().find_point(second).sequence;
    fixture.close();
    const auto catalog = fixture.directory() / "catalog.sqlite";
    if (GENERATE(true, false)) {
        std::filesystem::remove(catalog);
    } else {
        std::ofstream{catalog, std::ios::binary} << std::string(8192, 'x');
    }

    fixture.reopen();
    REQUIRE(fixture.repository().list_points({}).size() == 2);
    CHECK(fixture.read_disk(first) == before);
    CHECK(fixture.read_disk(second) == disk);
    CHECK(fixture.repository().find_point(first).hold_reason == "kept");
    CHECK(fixture.repository().check_catalog(fixture.work()).empty());
    const std::string third = fixture.add_full("vm", disk);
    CHECK(fixture.repository().find_point(third).sequence > sequence);
    CHECK(fixture.repository().find_point(third).unique_bytes == 0);
}

TEST_CASE("rebuild: a point whose mark is damaged is there, and held until somebody looks",
          "[rebuild]") {
    Fixture fixture;
    const DiskContent disk = make_disk(7, kDiskBytes);
    const std::string point = fixture.add_full("vm", disk);
    const bool is_held = GENERATE(true, false);
    const WallTime until = fixture.clock_.wall_now() + std::chrono::days{30};
    if (is_held) fixture.repository().hold_point(point, "the court asked for it");
    if (!is_held) fixture.repository().protect_point(point, until);
    fixture.close();
    flip_byte(fixture.objects("marks").at(0), 40);
    const bool has_catalog = GENERATE(true, false);
    if (!has_catalog) std::filesystem::remove(fixture.directory() / "catalog.sqlite");
    fixture.reopen();
    if (has_catalog) CHECK(fixture.repository().rebuild_catalog(fixture.work()) == 1);

    const PointSummary found = fixture.repository().find_point(point);
    CHECK(fixture.read_disk(point) == disk);
    if (has_catalog && is_held) CHECK(found.hold_reason == "the court asked for it");
    if (!has_catalog || !is_held) {
        CHECK(found.hold_reason.find("mark is damaged") != std::string::npos);
    }
    if (has_catalog && !is_held) CHECK(found.protected_until == until);
    CHECK_THROWS_AS(fixture.repository().delete_point(point), Error);
    fixture.repository().release_point(point);
    fixture.reopen();
    CHECK(fixture.repository().rebuild_catalog(fixture.work()) == 1);
    CHECK(fixture.repository().find_point(point).hold_reason.empty());
}

TEST_CASE("rebuild: on request it finds the same, and leaves out what is not whole", "[rebuild]") {
    Fixture fixture;
    const DiskContent disk = make_disk(3, kDiskBytes);
    const std::string whole = fixture.add_full("vm", disk);
    const auto packs = fixture.objects("packs");
    const std::string broken = fixture.add_full("other", make_disk(4, kDiskBytes));
    CHECK(fixture.repository().rebuild_catalog(fixture.work()) == 2);
    for (const auto& path : fixture.objects("packs")) {
        if (path != packs.at(0)) std::filesystem::remove(path);
    }
    CHECK_FALSE(fixture.repository().check_catalog(fixture.work()).empty());
    CHECK(fixture.repository().rebuild_catalog(fixture.work()) == 1);
    CHECK(fixture.read_disk(whole) == disk);
    CHECK_THROWS_AS(fixture.repository().find_point(broken), Error);
}

TEST_CASE("rebuild: an index that is gone is filled from the packs", "[rebuild]") {
    Fixture fixture;
    const DiskContent disk = make_disk(5, kDiskBytes);
    fixture.add_full("vm", disk);
    fixture.close();
    std::filesystem::remove_all(fixture.directory() / "index");
    fixture.reopen();
    const std::string second = fixture.add_full("vm", disk);
    CHECK(fixture.repository().find_point(second).unique_bytes == 0);
    CHECK(fixture.read_disk(second) == disk);
}

TEST_CASE("rebuild: a catalog older than the repository is not believed", "[rebuild]") {
    Fixture fixture;
    const DiskContent disk = make_disk(6, kDiskBytes);
    const DiskContent other = make_disk(7, kDiskBytes);
    const auto catalog = fixture.directory() / "catalog.sqlite";
    const auto copy = fixture.temporary_.path() / "copy";
    fixture.add_full("vm", disk);
    std::string second;
    if (GENERATE(true, false)) {
        // The copy was made while a point was under way: its packs are open there.
        const auto writer = fixture.repository().begin_point(point_draft("under way"));
        writer->add_disk(draft_of(other), std::nullopt);
        write_all(*writer->open_sink(0, View::restore), other);
        std::filesystem::copy_file(catalog, copy);
        second = writer->commit().id;
    } else {
        std::filesystem::copy_file(catalog, copy);
        second = fixture.add_full("other", other);
    }
    const bool has_third = GENERATE(true, false);
    if (has_third) fixture.add_full("third", make_disk(8, kDiskBytes));
    fixture.close();
    std::filesystem::copy_file(copy, catalog, std::filesystem::copy_options::overwrite_existing);

    fixture.reopen();
    REQUIRE(fixture.repository().list_points({}).size() == (has_third ? 3 : 2));
    CHECK(fixture.read_disk(second) == other);
    fixture.repository().collect_garbage(DryRun::no, fixture.work());
    CHECK(fixture.read_disk(second) == other);
}

TEST_CASE("rebuild: what is known to be damaged stays known", "[rebuild]") {
    Fixture fixture;
    const DiskContent disk = make_content(9, kDiskBytes);
    const std::string first = fixture.add_full("vm", disk);
    fixture.close();
    flip_byte(fixture.objects("packs").at(0), 128 + 64 + 5000);
    fixture.reopen();
    CHECK_FALSE(fixture.repository().verify({}, VerifyDepth::data, fixture.work()).at(0).is_sound);

    CHECK(fixture.repository().rebuild_catalog(fixture.work()) == 1);
    CHECK(fixture.repository().find_point(first).has_known_damage);
    const std::string second = fixture.add_full("vm", disk);
    CHECK(fixture.read_disk(second) == disk);
}

}  // namespace entrepot::repository::test
