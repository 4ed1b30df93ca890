// A crash at any change of the file system: acknowledged points are byte-exact, others are absent.
#include "repository_fixture.h"
#include "tests/support/fault_file_system.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <functional>

namespace entrepot::repository::test {
namespace {

using entrepot::test::Crash;
using entrepot::test::FaultFileSystem;

constexpr std::size_t kDiskBytes = 20 * kChunk;
constexpr std::uint64_t kChangesMax = 500;

// Runs the operation on a prepared repository, crashing at change n for n = 0, 1, 2 ... until a run
// meets no crash; after each, the repository is opened anew and looked at.
void for_each_crash(const std::function<void(Fixture&)>& prepare,
                    const std::function<void(Fixture&)>& operate,
                    const std::function<void(Fixture&, bool is_done)>& look) {
    Fixture original;
    prepare(original);
    original.close();
    for (std::uint64_t n = 0; n < kChangesMax; ++n) {
        Fixture fixture{original.directory(), original.key_};
        FaultFileSystem faulty{fixture.posix_};
        fixture.file_system_ = &faulty;
        fixture.reopen();
        faulty.crash_at(n);
        bool is_done = false;
        try {
            operate(fixture);
            is_done = true;
        } catch (const Crash&) {
        }
        fixture.close();
        faulty.never_crash();
        fixture.file_system_ = &fixture.posix_;
        fixture.reopen();
        INFO("crash at change " << n);
        look(fixture, is_done);
        CHECK(fixture.repository().check_catalog(fixture.work()).empty());
        for (const PointVerdict& verdict :
             fixture.repository().verify({}, VerifyDepth::data, fixture.work())) {
            CHECK(verdict.is_sound);
        }
        if (is_done) {
            CHECK(n > 1);
            return;
        }
    }
    FAIL("the operation never ended");
}

}  // namespace

TEST_CASE("crash: while a point is taken", "[crash]") {
    const DiskContent before = make_disk(1, kDiskBytes);
    DiskContent after = before;
    const auto chunks = change_disk(after, 2, 6);
    std::string base;
    std::string fresh;
    for_each_crash([&](Fixture& fixture) { base = fixture.add_full("vm", before); },
                   [&](Fixture& fixture) {
                       fresh.clear();
                       fresh = fixture.add_incremental("vm", base, after, chunks);
                   },
                   [&](Fixture& fixture, bool is_done) {
                       CHECK(fixture.read_disk(base) == before);
                       const auto points = fixture.repository().list_points({});
                       REQUIRE(points.size() == (is_done ? 2U : 1U));
                       CHECK(fixture.objects("manifests").size() == points.size());
                       CHECK(fixture.objects("maps").size() == points.size());
                       CHECK(fixture.objects("tmp").empty());
                       if (is_done) CHECK(fixture.read_disk(fresh) == after);
                       const std::string next = fixture.add_incremental("vm", base, after, chunks);
                       CHECK(fixture.read_disk(next) == after);
                   });
}

TEST_CASE("crash: while a point is deleted, which nothing brings back", "[crash]") {
    const DiskContent disk = make_disk(3, kDiskBytes);
    const DiskContent other = make_disk(4, kDiskBytes);
    std::string kept;
    std::string removed;
    for_each_crash(
        [&](Fixture& fixture) {
            removed = fixture.add_full("vm", disk);
            kept = fixture.add_full("vm", other);
        },
        [&](Fixture& fixture) { fixture.repository().delete_point(removed); },
        [&](Fixture& fixture, bool) {
            // Once the intent is journaled, the next start carries it out.
            CHECK(fixture.read_disk(kept) == other);
            CHECK(fixture.repository().list_points({}).size() == 1);
            fixture.repository().collect_garbage(DryRun::no, fixture.work());
            CHECK(fixture.read_disk(kept) == other);
            CHECK(fixture.repository().rebuild_catalog(fixture.work()) == 1);
            CHECK(fixture.objects("manifests").size() == 1);
        });
}

TEST_CASE("crash: while a point is held or released, a rebuild says what the catalog says",
          "[crash]") {
    const bool is_held_before = GENERATE(true, false);
    std::string point;
    for_each_crash(
        [&](Fixture& fixture) {
            point = fixture.add_full("vm", make_disk(9, kDiskBytes));
            if (is_held_before) fixture.repository().hold_point(point, "kept");
        },
        [&](Fixture& fixture) {
            if (is_held_before) {
                fixture.repository().release_point(point);
            } else {
                fixture.repository().hold_point(point, "kept");
            }
        },
        [&](Fixture& fixture, bool is_done) {
            const std::string reason = fixture.repository().find_point(point).hold_reason;
            if (is_done) CHECK(reason.empty() == is_held_before);
            fixture.repository().rebuild_catalog(fixture.work());
            CHECK(fixture.repository().find_point(point).hold_reason == reason);
        });
}

TEST_CASE("crash: while garbage is collected and packs are compacted", "[crash]") {
    const DiskContent before = make_content(5, kDiskBytes);
    DiskContent after = before;
    std::vector<std::uint64_t> chunks;
    for (std::uint64_t chunk = 4; chunk < 20; ++chunk)
        chunks.push_back(chunk);
    std::fill(after.begin() + 4 * kChunk, after.end(), std::byte{0});
    std::string kept;
    for_each_crash(
        [&](Fixture& fixture) {
            const std::string first = fixture.add_full("vm", before);
            const std::string gone = fixture.add_full("gone", make_content(6, kDiskBytes));
            kept = fixture.add_incremental("vm", first, after, chunks);
            fixture.repository().delete_point(first);
            fixture.repository().delete_point(gone);
        },
        [&](Fixture& fixture) { fixture.repository().collect_garbage(DryRun::no, fixture.work()); },
        [&](Fixture& fixture, bool) {
            CHECK(fixture.read_disk(kept) == after);
            // What was half removed is stored anew, what was half compacted is still found.
            const std::string again = fixture.add_full("gone", make_content(6, kDiskBytes));
            CHECK(fixture.read_disk(again) == make_content(6, kDiskBytes));
            fixture.repository().collect_garbage(DryRun::no, fixture.work());
            CHECK(fixture.objects("packs").size() == 2);
            CHECK(fixture.read_disk(kept) == after);
            CHECK(fixture.repository().rebuild_catalog(fixture.work()) == 2);
            CHECK(fixture.read_disk(kept) == after);
        });
}

TEST_CASE("crash: what was acknowledged needs no sync any more", "[crash]") {
    Fixture fixture;
    FaultFileSystem files{fixture.posix_};
    fixture.file_system_ = &files;
    fixture.reopen();
    DiskContent disk = make_disk(7, kDiskBytes);
    const std::string first = fixture.add_full("vm", disk);
    CHECK(files.undurable() == std::set<std::string>{});
    const auto chunks = change_disk(disk, 8, 16);
    fixture.add_incremental("vm", first, disk, chunks);
    CHECK(files.undurable() == std::set<std::string>{});
    fixture.repository().hold_point(first, "kept");
    fixture.repository().release_point(first);
    CHECK(files.undurable() == std::set<std::string>{});
    fixture.repository().delete_point(first);
    CHECK(files.undurable() == std::set<std::string>{});
    fixture.repository().collect_garbage(DryRun::no, fixture.work());
    CHECK(files.undurable() == std::set<std::string>{});
    fixture.close();
}

}  // namespace entrepot::repository::test
