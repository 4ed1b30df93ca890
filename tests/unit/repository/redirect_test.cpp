// Damage that heals: what is stored anew is found from the old place, by everybody.
#include "repository_fixture.h"
#include "tests/support/fault_file_system.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <filesystem>

namespace entrepot::repository::test {
namespace {

namespace fs = std::filesystem;
using entrepot::test::Crash;
using entrepot::test::FaultFileSystem;

constexpr std::size_t kDiskBytes = 12 * kChunk;
constexpr std::uint64_t kInFirstSlot = 128 + 64 + 1000;  // Pack header, slot header, and some.

// A repository whose one point has a damaged first chunk, and knows it: by a read.
struct Damaged {
    Damaged() {
        point = fixture.add_full("vm", disk);
        fixture.close();
        flip_byte(fixture.objects("packs").at(0), kInFirstSlot);
        fixture.reopen();
        CHECK_THROWS_AS(fixture.read_disk(point), Error);
    }
    bool is_sound(VerifyDepth depth) {
        for (const PointVerdict& verdict : fixture.repository().verify({}, depth, fixture.work())) {
            if (!verdict.is_sound) return false;
        }
        return true;
    }

    Fixture fixture;
    DiskContent disk = make_content(1, kDiskBytes);
    std::string point;
};

}  // namespace

TEST_CASE("damage: a read quarantines the slot and marks the point", "[damage]") {
    Damaged damaged;
    Repository& repository = damaged.fixture.repository();
    CHECK(repository.find_point(damaged.point).has_known_damage);
    CHECK(repository.info().damaged_chunks == 1);
    // Known over a restart, and to whoever only looks at manifests.
    damaged.fixture.reopen();
    CHECK(damaged.fixture.repository().info().damaged_chunks == 1);
    CHECK_FALSE(damaged.is_sound(VerifyDepth::manifests));
}

TEST_CASE("damage: what one point found is damage of all that share the chunk", "[damage]") {
    Fixture fixture;
    const DiskContent disk = make_content(2, kDiskBytes);
    const std::string first = fixture.add_full("vm", disk);
    const std::string second = fixture.add_full("other", disk);
    fixture.close();
    flip_byte(fixture.objects("packs").at(0), kInFirstSlot);
    fixture.reopen();
    CHECK_THROWS_AS(fixture.read_disk(first), Error);
    CHECK_FALSE(fixture.repository().find_point(second).has_known_damage);
    fixture.repository().verify({}, VerifyDepth::manifests, fixture.work());
    CHECK(fixture.repository().find_point(second).has_known_damage);
}

TEST_CASE("redirect: a chunk that comes by again heals the points that lost it", "[damage]") {
    Damaged damaged;
    Fixture& fixture = damaged.fixture;
    const std::string second = fixture.add_full("other", damaged.disk);
    CHECK(fixture.objects("redirects").size() == 1);
    CHECK(fixture.objects("packs").size() == 2);
    CHECK(fixture.repository().info().damaged_chunks == 0);
    CHECK(fixture.read_disk(damaged.point) == damaged.disk);
    CHECK(damaged.is_sound(VerifyDepth::data));
    CHECK_FALSE(fixture.repository().find_point(damaged.point).has_known_damage);
    CHECK(damaged.is_sound(VerifyDepth::packs));

    // Only the redirect leads to the new place now: gc follows it.
    fixture.repository().delete_point(second);
    fixture.repository().collect_garbage(DryRun::no, fixture.work());
    CHECK(fixture.objects("packs").size() == 2);
    CHECK(fixture.read_disk(damaged.point) == damaged.disk);

    // It needs neither index nor catalog.
    fixture.close();
    fs::remove_all(fixture.directory() / "index");
    fs::remove(fixture.directory() / "catalog.sqlite");
    fixture.reopen();
    CHECK(fixture.read_disk(damaged.point) == damaged.disk);
    CHECK(fixture.repository().rebuild_catalog(fixture.work()) == 1);
    CHECK(damaged.is_sound(VerifyDepth::data));
    // Nor does anybody take the damaged slot for a copy again.
    const std::string third = fixture.add_full("third", damaged.disk);
    CHECK(fixture.read_disk(third) == damaged.disk);
    CHECK(damaged.is_sound(VerifyDepth::data));
    fixture.repository().delete_point(third);

    // And goes with the last point that began there.
    fixture.repository().delete_point(damaged.point);
    fixture.repository().collect_garbage(DryRun::no, fixture.work());
    CHECK(fixture.objects("redirects").empty());
    CHECK(fixture.objects("packs").empty());
}

TEST_CASE("redirect: a chunk that is damaged twice is found at its third place", "[damage]") {
    Damaged damaged;
    Fixture& fixture = damaged.fixture;
    const auto before = fixture.objects("packs");
    fixture.add_full("other", damaged.disk);
    fixture.close();
    for (const fs::path& pack : fixture.objects("packs")) {
        if (pack != before.at(0)) flip_byte(pack, kInFirstSlot);
    }
    fixture.reopen();
    CHECK_THROWS_AS(fixture.read_disk(damaged.point), Error);
    CHECK(fixture.repository().info().damaged_chunks == 2);
    fixture.add_full("third", damaged.disk);
    CHECK(fixture.repository().info().damaged_chunks == 0);
    CHECK(fixture.read_disk(damaged.point) == damaged.disk);
    CHECK(damaged.is_sound(VerifyDepth::data));
}

TEST_CASE("redirect: a pack that is gone is made good by a full, and a rebuild knows", "[damage]") {
    Fixture fixture;
    const DiskContent disk = make_content(3, kDiskBytes);
    const std::string point = fixture.add_full("vm", disk);
    fixture.close();
    fs::remove(fixture.objects("packs").at(0));
    fixture.reopen();
    CHECK_FALSE(fixture.repository().verify({}, VerifyDepth::data, fixture.work()).at(0).is_sound);
    CHECK(fixture.repository().info().damaged_chunks == kDiskBytes / kChunk);
    fixture.add_full("vm", disk);
    CHECK(fixture.repository().info().damaged_chunks == 0);
    CHECK(fixture.read_disk(point) == disk);
    CHECK(fixture.repository().rebuild_catalog(fixture.work()) == 2);
    CHECK(fixture.read_disk(point) == disk);
    CHECK(fixture.repository().verify({}, VerifyDepth::data, fixture.work()).at(0).is_sound);
}

TEST_CASE("redirect: one that is damaged makes gc delete nothing", "[damage][gc]") {
    Damaged damaged;
    Fixture& fixture = damaged.fixture;
    const std::string second = fixture.add_full("other", damaged.disk);
    fixture.repository().delete_point(second);
    fixture.close();
    flip_byte(fixture.objects("redirects").at(0), 70);
    fixture.reopen();
    const std::size_t packs = fixture.objects("packs").size();
    CHECK_THROWS_AS(fixture.repository().collect_garbage(DryRun::no, fixture.work()), Error);
    CHECK(fixture.objects("packs").size() == packs);
}

TEST_CASE("redirect: a crash at any moment of healing loses nothing, and the next one heals",
          "[damage][crash]") {
    Damaged original;
    original.fixture.close();
    for (std::uint64_t n = 0;; ++n) {
        REQUIRE(n < 200);
        Fixture fixture{original.fixture.directory(), original.fixture.key_};
        FaultFileSystem faulty{fixture.posix_};
        fixture.file_system_ = &faulty;
        fixture.reopen();
        faulty.crash_at(n);
        bool is_done = false;
        try {
            fixture.add_full("other", original.disk);
            is_done = true;
        } catch (const Crash&) {
        }
        fixture.close();
        faulty.never_crash();
        fixture.reopen();
        INFO("crash at change " << n);
        if (!is_done) fixture.add_full("other", original.disk);
        CHECK(fixture.repository().info().damaged_chunks == 0);
        CHECK(fixture.read_disk(original.point) == original.disk);
        fixture.repository().collect_garbage(DryRun::no, fixture.work());
        CHECK(fixture.read_disk(original.point) == original.disk);
        fixture.close();
        if (is_done) break;
    }
}

}  // namespace entrepot::repository::test
