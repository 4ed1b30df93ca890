// From files in points to what a search finds, over a real folder and disks as a test describes
// them.
#include "appliance/search/file_search.h"
#include "appliance/search/index_builder.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/files/memory_disk.h"

#include "base/error.h"
#include "base/file_system.h"
#include "base/progress.h"
#include "base/random.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace entrepot;
namespace fs = std::filesystem;

namespace {

class Lab {
public:
    ManualClock clock{*parse_time("2026-03-01T12:00:00Z")};
    PosixFileSystem file_system;
    SystemRandom random;
    test::TemporaryDirectory directory;
    fs::path folder = directory.path() / "file-index";
    test::FaultFileSystem faults{file_system};
    search::IndexStore store{faults, random, folder, [] { return Secret{"a repository's"}; }};
    NullProgress progress;
    std::vector<repository::PointSummary> points;
    test::MemoryDisk disk = empty_disk();

    static test::MemoryDisk empty_disk() {
        test::MemoryDisk disk;
        guest::Volume volume;
        volume.number = 1;
        volume.content = guest::VolumeContent::ntfs;
        disk.table.push_back(volume);
        return disk;
    }

    void add_file(const std::string& path, std::size_t size = 10) {
        disk.add(path, {guest::FileKind::file, Bytes(size)});
    }

    /// A point of the VM with what the disk holds now.
    search::PointIndex add_point(const std::string& id, const std::string& vm = "web01") {
        clock.advance(std::chrono::hours{1});
        repository::PointSummary point;
        point.id = id;
        point.sequence = points.size() + 1;
        point.time = clock.wall_now();
        point.draft.vm_id = vm + "-id";
        point.draft.vm_name = vm;
        point.disks.resize(1);
        point.disks[0].draft.id = "disk-of-" + vm;
        points.push_back(point);
        return index(point);
    }

    search::PointIndex index(const repository::PointSummary& point, std::stop_token stop = {}) {
        search::IndexBuilder builder{store, clock, [&](const repository::DiskSummary&) {
                                         return std::make_unique<test::MemoryDisk>(disk);
                                     }};
        return builder.build(point, {progress, std::move(stop)});
    }

    search::SearchPage page(const std::string& name, std::size_t count_max = 100,
                            const std::string& cursor = {}) {
        search::SearchQuery query;
        query.name = name;
        query.points = points;
        query.count_max = count_max;
        query.cursor = cursor;
        return search::search(store, clock, query);
    }

    /// All pages: paths with the points that hold them.
    std::map<std::string, std::set<std::string>> find(const std::string& name,
                                                      std::size_t count_max = 100) {
        std::map<std::string, std::set<std::string>> found;
        std::string cursor;
        do {
            const auto result = page(name, count_max, cursor);
            CHECK(result.files.size() <= count_max);
            for (const auto& file : result.files) {
                for (const auto& point : file.points)
                    found[fmt::format("{} {}", file.path, file.size_bytes)].insert(point.id);
            }
            cursor = result.next_cursor;
        } while (!cursor.empty());
        return found;
    }

    std::size_t block_count() const {
        std::size_t count = 0;
        for (const auto& entry : fs::recursive_directory_iterator{folder / "blocks"})
            count += entry.is_regular_file() ? 1 : 0;
        return count;
    }
};

using Found = std::map<std::string, std::set<std::string>>;

}  // namespace

TEST_CASE("search: a part of a name finds files and folders, whatever the case", "[search]") {
    Lab lab;
    lab.add_file("/Users/anna/Plan 2026.docx");
    lab.add_file("/Users/anna/отчёт ПЛАН.txt");
    lab.add_file("/Users/plans/other.txt");
    lab.add_point("p1");
    CHECK(lab.find("plan") ==
          Found{{"/Users/anna/Plan 2026.docx 10", {"p1"}}, {"/Users/plans 0", {"p1"}}});
    CHECK(lab.find("План") == Found{{"/Users/anna/отчёт ПЛАН.txt 10", {"p1"}}});
    CHECK(lab.find("*.TXT").size() == 2);
    CHECK(lab.find("anna/").empty());
    CHECK(lab.find("nothing").empty());
    const auto file = lab.page("docx").files.at(0);
    CHECK(file.vm_name == "web01");
    CHECK(file.volume == 1);
    CHECK(file.modified == parse_time("2026-02-03T04:05:06Z"));
    for (const std::string name : {"", "a\x01", "\xff"})
        CHECK_THROWS_AS(lab.page(name), Error);
}

TEST_CASE("search: points that hold the same file are one answer, newest first", "[search]") {
    Lab lab;
    lab.add_file("/doc.txt", 1);
    lab.add_file("/gone.txt", 5);
    lab.add_point("p1");
    lab.add_point("p2");
    lab.add_file("/doc.txt", 2);
    lab.disk.files.erase("/gone.txt");
    lab.add_point("p3");
    CHECK(lab.find("doc") == Found{{"/doc.txt 1", {"p1", "p2"}}, {"/doc.txt 2", {"p3"}}});
    CHECK(lab.find("gone") == Found{{"/gone.txt 5", {"p1", "p2"}}});
    const auto files = lab.page("gone").files;
    REQUIRE(files.size() == 1);
    CHECK(files[0].points[0].id == "p2");
    // Points that know the same names share what is stored.
    CHECK(lab.block_count() == 2);
}

TEST_CASE("search: pages of any size find each file in each of its points", "[search]") {
    Lab lab;
    for (int i = 0; i < 9000; ++i)
        lab.disk.files.emplace(fmt::format("/a folder with a long name/file {:05} of many", i * 7),
                               test::MemoryFile{});
    lab.disk.files.emplace("/a folder with a long name", test::MemoryFile{guest::FileKind::folder});
    lab.add_point("p1");
    lab.add_point("p2", "db01");
    lab.add_file("/a folder with a long name/file 21001 of many");
    lab.add_point("p3");
    REQUIRE(lab.block_count() >= 4);
    const Found all = lab.find("of many", 1000);
    CHECK(all.size() == 9001);
    for (const auto& [path, points] : all)
        CHECK(points.size() == (path.ends_with(" 10") ? 1 : 3));
    for (const std::size_t count_max : {7, 500, 999})
        CHECK((lab.find("of many", count_max) == all));
}

TEST_CASE("search: a page ends with its time, and the next goes on from there", "[search]") {
    Lab lab;
    for (int i = 0; i < 9000; ++i)
        lab.disk.files.emplace(fmt::format("/some file with a number {:05}", i),
                               test::MemoryFile{});
    lab.add_point("p1");
    search::SearchQuery query;
    query.name = "08999";
    query.points = lab.points;
    query.time_max = std::chrono::milliseconds{0};
    const auto page = search::search(lab.store, lab.clock, query);
    CHECK(page.files.empty());
    CHECK_FALSE(page.next_cursor.empty());
    CHECK(lab.page("08999", 10, page.next_cursor).files.size() == 1);
    for (const std::string cursor : {"x", "bm9uZQ==", "W10="})
        CHECK_THROWS_WITH(lab.page("x", 10, cursor), "the cursor is not one of ours");
}

TEST_CASE("search: what has no index is counted, what was dropped is found no more", "[search]") {
    Lab lab;
    lab.add_file("/first.txt");
    lab.add_point("p1");
    lab.add_file("/second.txt");
    lab.add_point("p2");
    lab.points.push_back(lab.points.back());
    lab.points.back().id = "p3";
    CHECK(lab.page("txt").unindexed_count == 1);
    lab.store.drop_point("p2");
    CHECK(lab.page("txt").unindexed_count == 2);
    CHECK(lab.find("second").empty());
    CHECK(lab.find("first") == Found{{"/first.txt 10", {"p1"}}});
    CHECK(lab.block_count() == 1);
    CHECK(lab.store.keep_only({"p7"}) == 1);
    CHECK(lab.block_count() == 0);
    CHECK(lab.find("first").empty());
}

TEST_CASE("search: blocks that lost their point beside a writer go later", "[search]") {
    Lab lab;
    lab.add_file("/first.txt");
    lab.add_point("p1");
    {
        const search::IndexStore::Writer writer{lab.store};
        lab.store.drop_point("p1");
        CHECK(lab.block_count() == 1);
    }
    lab.store.keep_only({});
    CHECK(lab.block_count() == 0);
}

TEST_CASE("index: what cannot be read is a note, and the rest can be searched", "[search]") {
    Lab lab;
    lab.add_file("/good/file");
    lab.disk.add("/lost", {guest::FileKind::folder, {}, "", "", 0});
    guest::Volume other;
    other.number = 2;
    other.content = guest::VolumeContent::bitlocker;
    lab.disk.table.push_back(other);
    const auto index = lab.add_point("p1");
    CHECK(index.file_count == 3);
    REQUIRE(index.notes.size() == 1);
    CHECK_THAT(index.notes[0], Catch::Contains("disk 0, partition 1, /lost: the folder"));
    CHECK(lab.find("file").size() == 1);
    CHECK(lab.store.find_point("p1")->notes == index.notes);
}

TEST_CASE("index: stopped, there is none", "[search]") {
    Lab lab;
    lab.add_file("/file");
    lab.add_point("p1");
    lab.points.back().id = "p2";
    std::stop_source stop;
    stop.request_stop();
    CHECK_THROWS_AS(lab.index(lab.points.back(), stop.get_token()), Error);
    CHECK_FALSE(lab.store.has_point("p2"));
}

TEST_CASE("index: no name lies on the disk, no other key opens it, no change goes unseen",
          "[search]") {
    Lab lab;
    for (int i = 0; i < 50; ++i)
        lab.add_file(fmt::format("/canary-{}", i));
    lab.add_point("p1");
    std::size_t file_count = 0;
    for (const auto& entry : fs::recursive_directory_iterator{lab.folder}) {
        if (!entry.is_regular_file()) continue;
        ++file_count;
        CHECK((entry.status().permissions() & fs::perms::mask) ==
              (fs::perms::owner_read | fs::perms::owner_write));
        const Bytes content = lab.file_system.read_file(entry.path(), kMiB);
        CHECK(as_text(content).find("canary") == std::string_view::npos);
        CHECK(as_text(content).find("disk-of-") == std::string_view::npos);
        // Deflated names would still be readable by anybody: a zstd frame begins with its magic.
        CHECK(as_text(content).find("\x28\xb5\x2f\xfd") == std::string_view::npos);
    }
    CHECK(file_count == 2);
    search::IndexStore other{lab.file_system, lab.random, lab.folder,
                             [] { return Secret{"another's"}; }};
    CHECK_THROWS_AS(other.find_point("p1"), Error);
    for (const auto& entry : fs::recursive_directory_iterator{lab.folder}) {
        if (!entry.is_regular_file()) continue;
        Bytes content = lab.file_system.read_file(entry.path(), kMiB);
        for (const std::size_t at : {std::size_t{0}, std::size_t{9}, content.size() - 1}) {
            content[at] ^= std::byte{1};
            lab.file_system.open_write(entry.path())->write(0, content);
            CHECK_THROWS_AS(lab.page("canary"), Error);
            content[at] ^= std::byte{1};
        }
        lab.file_system.open_write(entry.path())->write(0, content);
    }
    CHECK(lab.page("canary").files.size() == 50);
}

TEST_CASE("index: a crash at any change leaves it whole or absent, and the next run mends the rest",
          "[search]") {
    bool has_crashed = true;
    for (std::uint64_t change = 0; has_crashed; ++change) {
        CAPTURE(change);
        Lab lab;
        lab.add_file("/first.txt");
        lab.add_point("p1");
        lab.add_file("/second.txt");
        lab.faults.crash_at(change);
        try {
            lab.add_point("p2");
            lab.store.drop_point("p1");
        } catch (const test::Crash&) {
            INFO("the process is gone");
        }
        has_crashed = lab.faults.has_crashed();
        lab.faults.never_crash();
        search::IndexStore later{lab.file_system, lab.random, lab.folder,
                                 [] { return Secret{"a repository's"}; }};
        const auto found = [&](const std::string& name) {
            search::SearchQuery query;
            query.name = name;
            query.points = lab.points;
            return search::search(later, lab.clock, query).files.size();
        };
        CHECK(found("first") == (later.has_point("p1") || later.has_point("p2") ? 1 : 0));
        CHECK(found("second") == (later.has_point("p2") ? 1 : 0));
        if (!has_crashed) CHECK(lab.faults.undurable().empty());
        lab.index(lab.points.back());
        later.drop_point("p1");
        later.keep_only({"p2"});
        CHECK(found("second") == 1);
        REQUIRE(change < 100);
    }
}
