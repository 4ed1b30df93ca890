// Points in, points out.
#include "repository_fixture.h"

#include "tests/support/watching_file_system.h"

#include "base/error.h"

#include <catch2/catch.hpp>

namespace entrepot::repository::test {
namespace {

constexpr std::size_t kDiskBytes = 4 * kMiB + 4096;

}  // namespace

TEST_CASE("repository: what was committed is read back byte for byte", "[repository]") {
    const bool is_encrypted = GENERATE(true, false);
    Fixture fixture{is_encrypted ? std::optional<std::string>{"secret"} : std::nullopt};
    const DiskContent disk = make_disk(1, kDiskBytes);

    const std::string point = fixture.add_full("vm", disk);
    CHECK(fixture.read_disk(point) == disk);

    fixture.reopen();
    CHECK(fixture.read_disk(point) == disk);
    REQUIRE(fixture.repository().list_points({}).size() == 1);
    const PointSummary summary = fixture.repository().find_point("vm@latest");
    CHECK(summary.id == point);
    CHECK(summary.draft.vm_name == "name of vm");
    CHECK(summary.disks.at(0).draft.size_bytes == kDiskBytes);
    CHECK(fixture.repository().find_point(point.substr(0, 8)).id == point);
}

TEST_CASE("repository: a chain of increments longer than a map may be deep", "[repository]") {
    Fixture fixture;
    DiskContent disk(66 * kMiB);
    change_disk(disk, 2, 40);
    std::string point = fixture.add_full("vm", disk);
    std::vector<std::pair<std::string, DiskContent>> expected;
    for (std::uint64_t i = 0; i < 20; ++i) {
        const auto chunks = change_disk(disk, 100 + i, 5);
        point = fixture.add_incremental("vm", point, disk, chunks);
        if (i % 5 == 4) expected.emplace_back(point, disk);
    }
    fixture.reopen();
    for (const auto& [id, content] : expected)
        CHECK(fixture.read_disk(id) == content);
}

TEST_CASE("repository: the tracking view differs where a leaf was written", "[repository]") {
    Fixture fixture;
    const DiskContent tracking = make_disk(3, kDiskBytes);
    DiskContent restore = tracking;
    const auto leaf = change_disk(restore, 4, 6);

    auto writer = fixture.repository().begin_point(point_draft("vm"));
    writer->add_disk(draft_of(tracking), std::nullopt);
    write_all(*writer->open_sink(0, View::tracking), tracking);
    write_chunks(*writer->open_sink(0, View::restore), restore, leaf);
    const PointSummary first = writer->commit();
    writer.reset();
    CHECK(first.disks.at(0).has_tracking_map);
    CHECK(fixture.read_disk(first.id, View::restore) == restore);
    CHECK(fixture.read_disk(first.id, View::tracking) == tracking);

    DiskContent next = tracking;
    const auto changed = change_disk(next, 5, 3);
    const std::string second = fixture.add_incremental("vm", first.id, next, changed);
    CHECK(fixture.read_disk(second) == next);
}

TEST_CASE("repository: a small read of a cold chunk reads its slot, and a second one nothing",
          "[repository]") {
    entrepot::test::WatchingFileSystem files;
    Fixture fixture;
    const DiskContent disk = make_content(10, 64 * kChunk);
    const std::string id = fixture.add_full("vm", disk);
    fixture.file_system_ = &files;
    fixture.reopen();
    const auto point = fixture.repository().open_point(id);
    const auto opened = point->open_disk(0, View::restore);
    Bytes part(4 * kKiB);
    opened->read(0, part);  // Map and slot table come in.
    for (const std::uint64_t chunk : {1ULL, 40ULL, 17ULL}) {
        files.take_reads();
        opened->read(chunk * kChunk + 8 * kKiB, part);
        const auto reads = files.take_reads();
        REQUIRE(reads.size() == 1);
        CHECK(reads.front().path.string().find("/packs/") != std::string::npos);
        // Header, content and tag of one slot.
        CHECK(reads.front().length <= kChunk + 64 + 16);
        CHECK(std::equal(part.begin(), part.end(),
                         disk.begin() + static_cast<std::ptrdiff_t>(chunk * kChunk + 8 * kKiB)));
        opened->read(chunk * kChunk + 60 * kKiB, part);
        CHECK(files.take_reads().empty());
    }
}

TEST_CASE("repository: equal content is stored once", "[repository]") {
    Fixture fixture;
    const DiskContent disk = make_disk(6, kDiskBytes);
    fixture.add_full("first", disk);
    const std::uint64_t chunks = fixture.repository().info().chunks;
    const std::string second = fixture.add_full("second", disk);

    CHECK(fixture.repository().info().chunks == chunks);
    CHECK(fixture.repository().find_point(second).unique_bytes == 0);
    CHECK(fixture.read_disk(second) == disk);
}

TEST_CASE("repository: a VM's stamp changes with its points, and no other one's does",
          "[repository]") {
    Fixture fixture;
    const std::string first = fixture.add_full("a", make_disk(20, kDiskBytes));
    fixture.add_full("b", make_disk(21, kDiskBytes));
    fixture.reopen();
    const auto stamps = [&] {
        std::map<std::string, std::uint64_t> found;
        for (const VmStamp& vm : fixture.repository().list_vms())
            found[vm.vm_id] = vm.stamp;
        return found;
    };
    auto known = stamps();
    REQUIRE(known.size() == 2);
    CHECK(stamps() == known);
    const auto changes_only_a = [&](const auto& change) {
        change();
        const auto now = stamps();
        CHECK(now.at("a") != known.at("a"));
        CHECK(now.at("b") == known.at("b"));
        known = now;
    };
    changes_only_a([&] { fixture.add_full("a", make_disk(22, kDiskBytes)); });
    changes_only_a([&] { fixture.repository().hold_point(first, "for a test"); });
    changes_only_a([&] { fixture.repository().release_point(first); });
    changes_only_a(
        [&] { fixture.repository().verify({first}, VerifyDepth::manifests, fixture.work()); });
    changes_only_a([&] { fixture.repository().delete_point(first); });
    fixture.repository().rebuild_catalog(fixture.work());
    CHECK(stamps().at("b") != known.at("b"));
}

TEST_CASE("repository: points are counted, whatever happens to them", "[repository]") {
    Fixture fixture;
    CHECK(fixture.repository().info().points == 0);
    const DiskContent disk = make_content(23, kDiskBytes);
    const std::string first = fixture.add_full("a", disk);
    fixture.add_full("a", disk);
    fixture.add_full("b", disk);
    CHECK(fixture.repository().info().points == 3);
    const std::uint64_t bytes = fixture.repository().info().logical_bytes;
    fixture.repository().delete_point(first);
    CHECK(fixture.repository().info().points == 2);
    CHECK(fixture.repository().info().logical_bytes == bytes / 3 * 2);
    fixture.repository().rebuild_catalog(fixture.work());
    CHECK(fixture.repository().info().points == 2);
    CHECK(fixture.repository().info().logical_bytes == bytes / 3 * 2);
}

TEST_CASE("repository: a point is found by the beginning of its id", "[repository]") {
    Fixture fixture;
    const std::string id = fixture.add_full("a", make_disk(24, kDiskBytes));
    CHECK(fixture.repository().find_point(id.substr(0, 8)).id == id);
    CHECK(fixture.repository().find_point("a@latest").id == id);
    for (const std::string& text :
         {id.substr(0, 3), std::string{"'"}, std::string{"%"}, id + "0", std::string{}}) {
        CHECK_THROWS_AS(fixture.repository().find_point(text), Error);
    }
    fixture.repository().delete_point(id);
    CHECK_THROWS_AS(fixture.repository().find_point(id.substr(0, 8)), Error);
}

TEST_CASE("repository: configuration files and sparse disks", "[repository]") {
    Fixture fixture;
    const Bytes file = make_content(7, 200'000);
    DiskDraft draft = draft_of({});
    draft.size_bytes = kTiB;
    auto writer = fixture.repository().begin_point(point_draft("vm"));
    writer->add_file("vm.vmcx", file);
    writer->add_file("empty", {});
    writer->add_disk(draft, std::nullopt);
    {
        const auto sink = writer->open_sink(0, View::restore);
        sink->write_zeros(0, kTiB / 2);
        sink->write(kTiB / 2, make_content(8, kChunk));
        sink->write_zeros(kTiB / 2 + kChunk, kTiB / 2 - kChunk);
        sink->finish();
    }
    const std::string id = writer->commit().id;

    const auto point = fixture.repository().open_point(id);
    CHECK(point->file_names() == std::vector<std::string>{"vm.vmcx", "empty"});
    CHECK(point->read_file("vm.vmcx") == file);
    CHECK(point->read_file("empty").empty());
    CHECK_THROWS_AS(point->read_file("other"), Error);
    const auto disk = point->open_disk(0, View::restore);
    const disk::DiskExtent hole{0, kTiB / 2, disk::ExtentKind::zero};
    CHECK(disk->extent_at(0, kTiB) == hole);
    const disk::DiskExtent data{kTiB / 2, kChunk, disk::ExtentKind::data};
    CHECK(disk->extent_at(kTiB / 2, kTiB / 2) == data);
    Bytes part(1000);
    disk->read(kTiB / 2 + 500, part);
    const Bytes whole = make_content(8, kChunk);
    CHECK(std::equal(part.begin(), part.end(), whole.begin() + 500));
}

TEST_CASE("repository: an abandoned point leaves nothing", "[repository]") {
    Fixture fixture;
    const DiskContent disk = make_disk(9, kDiskBytes);
    {
        const auto writer = fixture.repository().begin_point(point_draft("vm"));
        writer->add_disk(draft_of(disk), std::nullopt);
        write_all(*writer->open_sink(0, View::restore), disk);
    }
    CHECK(fixture.repository().list_points({}).empty());
    CHECK(fixture.objects("manifests").empty());
    CHECK(fixture.objects("maps").empty());
    CHECK(fixture.objects("tmp").empty());
}

}  // namespace entrepot::repository::test
