// Gc beside everything else: backups, deletions, restores and checks, at each of its moments.
#include "repository_fixture.h"

#include "storage/repository/limits.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace entrepot::repository::test {
namespace {

constexpr std::size_t kDiskBytes = 12 * kChunk;

const std::vector<GcMoment> kMoments = {GcMoment::marked,       GcMoment::condemned,
                                        GcMoment::marked_again, GcMoment::removing,
                                        GcMoment::compacted,    GcMoment::switched};

auto has_code(ErrorCode code) {
    return Catch::Predicate<Error>([code](const Error& error) { return error.code() == code; },
                                   std::string{to_string(code)});
}

/// One pack that is waste as a whole, one of which three chunks of twelve are needed, and a point
/// that needs them.
struct Waste {
    explicit Waste(Fixture& fixture) : fixture_(fixture) {
        const std::string dead_point = fixture.add_full("dead", dead);
        const std::string sparse_point = fixture.add_full("sparse", sparse);
        needed.resize(3 * kChunk);
        kept = fixture.add_full("kept", needed);
        fixture.repository().delete_point(dead_point);
        fixture.repository().delete_point(sparse_point);
    }

    GcResult collect() {
        return fixture_.repository().collect_garbage(DryRun::no, fixture_.work());
    }
    /// Does something once, at the first such moment.
    void at(GcMoment moment, std::function<void()> act) {
        fixture_.gc_.on_moment = [this, moment, act = std::move(act)](GcMoment now) {
            if (now != moment || has_acted) return;
            has_acted = true;
            act();
        };
    }
    void check_all_sound() {
        CHECK(fixture_.read_disk(kept) == needed);
        CHECK(fixture_.repository().check_catalog(fixture_.work()).empty());
        const auto verdicts = fixture_.repository().verify({}, VerifyDepth::data, fixture_.work());
        CHECK(verdicts.size() == fixture_.repository().list_points({}).size());
        for (const PointVerdict& verdict : verdicts)
            CHECK(verdict.is_sound);
    }

    DiskContent dead = make_content(1, kDiskBytes);
    DiskContent sparse = make_content(2, kDiskBytes);
    DiskContent needed = sparse;
    std::string kept;
    bool has_acted = false;

private:
    Fixture& fixture_;
};

/// A backup that has found or stored all of its chunks, and is not committed.
std::unique_ptr<PointWriter> begin_full(Fixture& fixture, const DiskContent& disk) {
    auto writer = fixture.repository().begin_point(point_draft("open"));
    writer->add_disk(draft_of(disk), std::nullopt);
    write_all(*writer->open_sink(0, View::restore), disk);
    return writer;
}

std::string commit(std::unique_ptr<PointWriter>& writer) {
    const std::string id = writer->commit().id;
    writer.reset();
    return id;
}

}  // namespace

TEST_CASE("killer: a dedup hit on a pack that is condemned then, or compacting", "[killer][gc]") {
    Fixture fixture;
    Waste waste{fixture};
    const bool hits_dead = GENERATE(true, false);
    const DiskContent& disk = hits_dead ? waste.dead : waste.sparse;
    // Its hits are garbage to everybody else; the commit brings the pack back.
    auto writer = begin_full(fixture, disk);
    CHECK(fixture.objects("packs").size() == 2);
    const GcMoment moment = GENERATE(GcMoment::marked, GcMoment::condemned, GcMoment::waiting);
    std::string point;
    waste.at(moment, [&] { point = commit(writer); });

    const GcResult result = waste.collect();
    REQUIRE(waste.has_acted);
    CHECK(result.packs_removed == (hits_dead ? 0U : 1U));
    CHECK(result.packs_compacted == (hits_dead ? 1U : 0U));
    CHECK(fixture.read_disk(point) == disk);
    waste.check_all_sound();
    fixture.reopen();
    CHECK(fixture.read_disk(point) == disk);
    waste.check_all_sound();
}

TEST_CASE("killer: a lookup never finds what is condemned, a dead slot least of all",
          "[killer][gc]") {
    Fixture fixture;
    Waste waste{fixture};
    const GcMoment moment = GENERATE(GcMoment::condemned, GcMoment::marked_again,
                                     GcMoment::removing, GcMoment::compacted, GcMoment::switched);
    DiskContent disk = waste.dead;
    disk.insert(disk.end(), waste.sparse.begin(), waste.sparse.end());
    auto writer = std::unique_ptr<PointWriter>{};
    const bool commits_at_once = GENERATE(true, false);
    std::string point;
    waste.at(moment, [&] {
        writer = begin_full(fixture, disk);
        if (commits_at_once) point = commit(writer);
    });

    const GcResult result = waste.collect();
    REQUIRE(waste.has_acted);
    CHECK(result.packs_removed == 1);
    CHECK(result.packs_compacted == 1);
    if (!commits_at_once) point = commit(writer);
    CHECK(fixture.read_disk(point) == disk);
    waste.check_all_sound();
    fixture.reopen();
    CHECK(fixture.read_disk(point) == disk);
    waste.check_all_sound();
}

TEST_CASE("killer: a base is pruned beside gc while an increment stands on it", "[killer][gc]") {
    Fixture fixture;
    Waste waste{fixture};
    DiskContent disk = make_content(3, kDiskBytes);
    const std::string base = fixture.add_full("vm", disk);
    const auto chunks = change_disk(disk, 4, 3);
    PointDraft draft = point_draft("vm");
    draft.kind = PointKind::incremental;
    draft.base_point = base;
    std::unique_ptr<PointWriter> writer;
    const auto begin = [&] {
        writer = fixture.repository().begin_point(draft);
        writer->add_disk(draft_of(disk), 0);
        write_chunks(*writer->open_sink(0, View::restore), disk, chunks);
        fixture.repository().delete_point(base);
    };
    const bool begins_before = GENERATE(true, false);
    std::string point;
    if (begins_before) {
        begin();
        waste.at(GcMoment::waiting, [&] { point = commit(writer); });
    } else {
        waste.at(GENERATE(GcMoment::condemned, GcMoment::marked_again, GcMoment::removing,
                          GcMoment::compacted, GcMoment::switched),
                 begin);
    }

    waste.collect();
    REQUIRE(waste.has_acted);
    if (!begins_before) {
        fixture.gc_.on_moment = {};
        // Still not committed: a whole gc later its base is pinned. It waits, and is told to stop.
        std::stop_source stop;
        fixture.gc_.on_moment = [&](GcMoment now) {
            if (now == GcMoment::waiting) stop.request_stop();
        };
        CHECK_THROWS_MATCHES(fixture.repository().collect_garbage(
                                 DryRun::no, Work{fixture.progress_, stop.get_token()}),
                             Error, has_code(ErrorCode::cancelled));
        point = commit(writer);
    }
    CHECK(fixture.read_disk(point) == disk);
    waste.check_all_sound();
    fixture.gc_.on_moment = {};
    waste.collect();
    CHECK(fixture.read_disk(point) == disk);
}

TEST_CASE("gc beside: a restore goes on, whoever deletes its point", "[gc]") {
    Fixture fixture;
    Waste waste{fixture};
    const DiskContent disk = make_content(5, kDiskBytes);
    const std::string point = fixture.add_full("vm", disk);
    std::unique_ptr<PointReader> reader;
    std::unique_ptr<PointDisk> opened;
    Bytes content(kDiskBytes);
    const auto begin = [&] {
        reader = fixture.repository().open_point(point);
        opened = reader->open_disk(0, View::restore);
        opened->read(0, MutableByteView{content}.first(kChunk));
        fixture.repository().delete_point(point);
    };
    const bool begins_before = GENERATE(true, false);
    if (begins_before) begin();
    if (!begins_before) waste.at(GENERATE(from_range(kMoments)), begin);

    waste.collect();
    fixture.gc_.on_moment = {};
    waste.collect();
    opened->read(kChunk, MutableByteView{content}.subspan(kChunk));
    CHECK(content == disk);
    // Disks that it opens later, too; and the disk without its reader.
    CHECK(read_all(*reader, 0, View::restore) == disk);
    reader.reset();
    waste.collect();
    opened->read(0, content);
    CHECK(content == disk);
    const std::size_t before = fixture.objects("packs").size();
    opened.reset();
    waste.collect();
    CHECK(fixture.objects("packs").size() == before - 1);
    waste.check_all_sound();
}

TEST_CASE("gc beside: a restore reads on while its pack is compacted", "[gc]") {
    Fixture fixture;
    Waste waste{fixture};
    const auto reader = fixture.repository().open_point(waste.kept);
    const auto opened = reader->open_disk(0, View::restore);
    Bytes content(waste.needed.size());
    opened->read(0, MutableByteView{content}.first(kChunk));
    std::size_t reads = 0;
    fixture.gc_.on_moment = [&](GcMoment) {
        Bytes again(waste.needed.size());
        opened->read(0, again);
        CHECK(again == waste.needed);
        CHECK(fixture.read_disk(waste.kept) == waste.needed);
        ++reads;
    };
    CHECK(waste.collect().packs_compacted == 1);
    CHECK(reads == kMoments.size());
    opened->read(0, content);
    CHECK(content == waste.needed);
}

TEST_CASE("gc beside: checks find nothing wrong at any moment", "[gc]") {
    Fixture fixture;
    Waste waste{fixture};
    const auto depth = GENERATE(VerifyDepth::manifests, VerifyDepth::packs, VerifyDepth::data);
    std::size_t looks = 0;
    fixture.gc_.on_moment = [&](GcMoment) {
        ++looks;
        const auto verdicts = fixture.repository().verify({}, depth, fixture.work());
        REQUIRE(verdicts.size() == 1);
        CHECK(verdicts[0].is_sound);
        CHECK(fixture.repository().check_catalog(fixture.work()).empty());
        CHECK(fixture.repository().info().points == 1);
        CHECK(fixture.repository().info().packs >= 1);
        fixture.repository().collect_garbage(DryRun::yes, fixture.work());
    };
    waste.collect();
    CHECK(looks == kMoments.size());
}

TEST_CASE("gc beside: another gc and a rebuild are turned away, and come later", "[gc]") {
    Fixture fixture;
    Waste waste{fixture};
    std::size_t refused = 0;
    fixture.gc_.on_moment = [&](GcMoment) {
        CHECK_THROWS_MATCHES(fixture.repository().collect_garbage(DryRun::no, fixture.work()),
                             Error, has_code(ErrorCode::busy));
        CHECK_THROWS_MATCHES(fixture.repository().rebuild_catalog(fixture.work()), Error,
                             has_code(ErrorCode::busy));
        ++refused;
    };
    waste.collect();
    CHECK(refused == kMoments.size());
    fixture.gc_.on_moment = {};
    waste.collect();
    CHECK(fixture.repository().rebuild_catalog(fixture.work()) == 1);
    waste.check_all_sound();
}

TEST_CASE("gc beside: it waits for earlier backups only, and not for ever", "[gc]") {
    Fixture fixture;
    Waste waste{fixture};
    auto earlier = begin_full(fixture, make_content(6, kDiskBytes));
    std::vector<std::unique_ptr<PointWriter>> later;
    const auto states = [&] { return fixture.objects("packs"); };
    const auto before = states();
    SECTION("later ones come and stay") {
        fixture.gc_.on_moment = [&](GcMoment now) {
            if (now == GcMoment::waiting) earlier.reset();
            if (now == GcMoment::marked) return;
            later.push_back(begin_full(fixture, make_content(7 + later.size(), kDiskBytes)));
        };
        const GcResult result = waste.collect();
        CHECK(result.packs_removed == 1);
        CHECK(result.packs_compacted == 1);
        for (auto& writer : later)
            commit(writer);
    }
    SECTION("a day is enough") {
        std::size_t waits = 0;
        fixture.gc_.on_moment = [&](GcMoment now) {
            if (now != GcMoment::waiting) return;
            ++waits;
            fixture.clock_.advance(limits::kGcWaitMax);
        };
        CHECK_THROWS_MATCHES(waste.collect(), Error, has_code(ErrorCode::busy));
        CHECK(waits == 1);
        CHECK(states() == before);
    }
    SECTION("nobody wants it any more") {
        std::stop_source stop;
        fixture.gc_.on_moment = [&](GcMoment now) {
            if (now == GcMoment::waiting) stop.request_stop();
        };
        CHECK_THROWS_MATCHES(fixture.repository().collect_garbage(
                                 DryRun::no, Work{fixture.progress_, stop.get_token()}),
                             Error, has_code(ErrorCode::cancelled));
        CHECK(states() == before);
    }
    // What was condemned for nothing is found again.
    fixture.gc_.on_moment = {};
    const std::size_t packs = states().size();
    if (earlier) {
        fixture.add_full("again", waste.dead);
        CHECK(states().size() == packs);
        earlier.reset();
    }
    waste.check_all_sound();
}

TEST_CASE("gc beside: what a running backup has stored is found by others all the while", "[gc]") {
    Fixture fixture;
    Waste waste{fixture};
    // More than a pack: the first one is sealed, and no point needs it yet.
    Bytes disk(limits::kPackSizeBytesTarget + kMiB);
    SeededRandom{8}.fill(disk);
    auto earlier = begin_full(fixture, disk);
    std::string first;
    std::string second;
    fixture.gc_.on_moment = [&](GcMoment now) {
        if (now != GcMoment::waiting) return;
        const std::size_t before = fixture.objects("packs").size();
        auto later = begin_full(fixture, disk);
        CHECK(fixture.objects("packs").size() == before);
        first = commit(earlier);
        second = commit(later);
    };
    const GcResult result = waste.collect();
    CHECK(result.packs_removed == 1);
    CHECK(fixture.repository().find_point(second).unique_bytes < 2 * kMiB);
    CHECK(fixture.read_disk(first) == disk);
    CHECK(fixture.read_disk(second) == disk);
}

TEST_CASE("gc beside: what a backup stored that gave up is garbage", "[gc]") {
    Fixture fixture;
    Waste waste{fixture};
    auto writer = begin_full(fixture, waste.dead);
    fixture.gc_.on_moment = [&](GcMoment now) {
        if (now == GcMoment::waiting) writer.reset();
    };
    CHECK(waste.collect().packs_removed == 1);
    waste.check_all_sound();
}

TEST_CASE("gc beside: threads of backups, deletions, restores and checks, gc after gc", "[gc]") {
    Fixture fixture;
    std::atomic<std::size_t> working{3};
    std::mutex mutex;
    std::vector<std::string> failures;
    const auto fail = [&](const std::string& failure) {
        const std::scoped_lock lock{mutex};
        failures.push_back(failure);
    };
    const auto work = [&](const std::function<void(std::uint64_t)>& round) {
        for (std::uint64_t i = 0; i < 8; ++i) {
            try {
                round(i);
            } catch (const Error& error) {
                fail(error.what());
            }
        }
        --working;
    };
    // Few contents, so that each finds what another one's deletion has made garbage.
    const auto backup = [&](std::uint64_t seed) {
        std::string last;
        work([&](std::uint64_t i) {
            const DiskContent disk = make_content((seed + i) % 3, kDiskBytes);
            const std::string point = fixture.add_full("vm", disk);
            if (!last.empty()) fixture.repository().delete_point(last);
            last = point;
            if (fixture.read_disk(point) != disk) fail("another disk");
        });
    };
    std::thread first{[&] { backup(0); }};
    std::thread second{[&] { backup(1); }};
    std::thread checker{[&] {
        work([&](std::uint64_t) {
            for (const auto& verdict :
                 fixture.repository().verify({}, VerifyDepth::data, fixture.work())) {
                if (!verdict.is_sound) fail("damage");
            }
            for (const auto& difference : fixture.repository().check_catalog(fixture.work()))
                fail(difference);
        });
    }};
    std::size_t collections = 0;
    std::uint64_t removed = 0;
    while (working > 0) {
        removed += fixture.repository().collect_garbage(DryRun::no, fixture.work()).packs_removed;
        ++collections;
    }
    for (std::thread* thread : {&first, &second, &checker})
        thread->join();
    CHECK(failures == std::vector<std::string>{});
    WARN(collections << " collections beside others, " << removed << " packs removed");
    CHECK(fixture.repository().list_points({}).size() == 2);
}

TEST_CASE("gc beside: a clock that jumps while it waits ends it", "[gc]") {
    Fixture fixture;
    Waste waste{fixture};
    auto writer = begin_full(fixture, waste.dead);
    const auto before = fixture.objects("packs");
    fixture.gc_.on_moment = [&](GcMoment now) {
        if (now != GcMoment::waiting) return;
        fixture.clock_.jump(std::chrono::hours{24 * 400});
        writer.reset();
    };
    CHECK_THROWS_MATCHES(waste.collect(), Error, has_code(ErrorCode::conflict));
    CHECK(fixture.objects("packs") == before);
}

TEST_CASE("catalog check: a gc that failed hides nothing, and its name is told", "[gc]") {
    Fixture fixture;
    Waste waste{fixture};
    waste.at(GcMoment::condemned, [] { throw Error{ErrorCode::io, "the disk fails"}; });
    CHECK_THROWS_AS(waste.collect(), Error);
    const auto pack = fixture.objects("packs").front();
    const auto stray = pack.parent_path() / (pack.stem().string() + ".9");
    std::filesystem::copy_file(pack, stray);

    const auto differences = fixture.repository().check_catalog(fixture.work());
    REQUIRE(differences.size() == 1);
    CHECK(differences[0].find(stray.filename()) != std::string::npos);
    CHECK(differences[0].find("gc that failed") != std::string::npos);

    waste.collect();
    CHECK_FALSE(std::filesystem::exists(stray));
    waste.check_all_sound();
}

}  // namespace entrepot::repository::test
