// A disk that is full: what was committed stays, what was not is absent, and deleting works.
#include "repository_fixture.h"
#include "storage/repository/reserve.h"
#include "tests/support/full_file_system.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <filesystem>

namespace entrepot::repository::test {
namespace {

using entrepot::test::FullFileSystem;

constexpr std::size_t kDiskBytes = 12 * kChunk;

void check_all_sound(Fixture& fixture) {
    for (const PointVerdict& verdict :
         fixture.repository().verify({}, VerifyDepth::data, fixture.work())) {
        CHECK(verdict.is_sound);
    }
    CHECK(fixture.repository().check_catalog(fixture.work()).empty());
}

}  // namespace

TEST_CASE("full disk: at any moment of a commit, the point is complete or absent", "[full]") {
    const DiskContent before = make_disk(1, kDiskBytes);
    DiskContent after = before;
    const auto chunks = change_disk(after, 2, 5);
    Fixture original;
    const std::string base = original.add_full("vm", before);
    original.close();
    for (std::uint64_t n = 0;; ++n) {
        REQUIRE(n < 200);
        Fixture fixture{original.directory(), original.key_};
        FullFileSystem files;
        fixture.file_system_ = &files;
        fixture.reopen();
        files.be_full_after(n);
        bool is_done = false;
        try {
            fixture.add_incremental("vm", base, after, chunks);
            is_done = true;
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::no_space);
        }
        INFO("full after operation " << n);
        CHECK(fixture.repository().list_points({}).size() == (is_done ? 2U : 1U));
        CHECK(fixture.read_disk(base) == before);
        files.be_full_after(FullFileSystem::kNever);
        // With room again the same process goes on.
        const std::string next = fixture.add_incremental("vm", base, after, chunks);
        CHECK(fixture.read_disk(next) == after);
        check_all_sound(fixture);
        fixture.reopen();
        check_all_sound(fixture);
        CHECK(fixture.objects("manifests").size() == (is_done ? 3U : 2U));
        fixture.close();
        if (is_done) break;
    }
}

TEST_CASE("fsync error: an object whose sync failed is never used", "[full]") {
    const DiskContent disk = make_disk(3, kDiskBytes);
    const DiskContent other = make_disk(4, kDiskBytes);
    Fixture original;
    const std::string base = original.add_full("vm", disk);
    original.close();
    for (std::uint64_t n = 0;; ++n) {
        REQUIRE(n < 200);
        Fixture fixture{original.directory(), original.key_};
        FullFileSystem files;
        fixture.file_system_ = &files;
        fixture.reopen();
        files.fail_sync(n);
        bool is_done = false;
        try {
            fixture.add_full("other", other);
            is_done = true;
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::io);
        }
        INFO("failing sync " << n);
        CHECK(fixture.repository().list_points({}).size() == (is_done ? 2U : 1U));
        files.fail_sync(FullFileSystem::kNever);
        fixture.reopen();
        CHECK(fixture.repository().list_points({}).size() == (is_done ? 2U : 1U));
        const std::string again = fixture.add_full("other", other);
        CHECK(fixture.read_disk(again) == other);
        CHECK(fixture.read_disk(base) == disk);
        check_all_sound(fixture);
        fixture.close();
        if (is_done) break;
    }
}

TEST_CASE("full disk: delete and gc work where nothing new can be written", "[full]") {
    Fixture fixture;
    const std::string gone = fixture.add_full("gone", make_content(5, kDiskBytes));
    // One pack will be dead, and one sparse: three of its twelve chunks are the other point's, too.
    const std::string sparse = fixture.add_full("sparse", make_content(6, kDiskBytes));
    DiskContent disk = make_content(6, kDiskBytes);
    disk.resize(3 * kChunk);
    const std::string kept = fixture.add_full("vm", disk);
    FullFileSystem files;
    fixture.file_system_ = &files;
    fixture.reopen();
    files.be_full_after(0);
    // Time is to be written, too, and cannot.
    fixture.clock_.advance(std::chrono::hours{1});
    fixture.repository().delete_point(gone);
    fixture.repository().delete_point(sparse);
    const GcResult result = fixture.repository().collect_garbage(DryRun::no, fixture.work());
    CHECK(result.packs_removed == 1);
    CHECK(result.packs_compacted == 0);
    CHECK(result.freed_bytes > 0);
    CHECK(fixture.read_disk(kept) == disk);
    files.be_full_after(FullFileSystem::kNever);
    fixture.reopen();
    CHECK(fixture.repository().list_points({}).size() == 1);
    check_all_sound(fixture);
    CHECK(fixture.repository().collect_garbage(DryRun::no, fixture.work()).packs_compacted == 1);
    CHECK(fixture.read_disk(kept) == disk);
}

TEST_CASE("full disk: the reserve is given up for a deletion and taken back after it", "[full]") {
    constexpr std::uint64_t kReserve = 256 * kKiB;
    Fixture fixture;
    fixture.reserve_bytes_ = kReserve;
    FullFileSystem files;
    fixture.file_system_ = &files;
    std::uint64_t free_bytes = kGiB;
    files.on_free_bytes([&] { return free_bytes; });
    fixture.reopen();
    CHECK(fixture.repository().info().reserve_bytes == kReserve);
    const std::string point = fixture.add_full("vm", make_disk(7, kDiskBytes));

    fixture.repository().make_room();
    CHECK(fixture.repository().info().reserve_bytes == kReserve);
    free_bytes = 0;
    fixture.repository().make_room();
    CHECK(fixture.repository().info().reserve_bytes == 0);
    // Others took the room: the deletion does without, and the next one with more luck has it
    // again.
    files.be_full_after(0);
    fixture.repository().delete_point(point);
    CHECK(fixture.repository().info().reserve_bytes == 0);
    files.be_full_after(FullFileSystem::kNever);
    // Not all of it while there is work: what deletes writes to other files, too.
    free_bytes = kLeftForOthersBytes + kReserve / 2;
    fixture.repository().collect_garbage(DryRun::no, fixture.work());
    CHECK(fixture.repository().info().reserve_bytes == kReserve / 2);
    free_bytes = kReserve / 2;
    fixture.close();
    CHECK(std::filesystem::file_size(fixture.directory() / "reserve") == kReserve);
    free_bytes = kGiB;
    fixture.reopen();
    CHECK(fixture.repository().info().reserve_bytes == kReserve);
    CHECK(fixture.repository().list_points({}).empty());
}

}  // namespace entrepot::repository::test
