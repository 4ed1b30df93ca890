// The simulated disk itself: what it may lose and what it may not.
#include "tests/support/disk/crash_states.h"
#include "tests/support/disk/simulated_disk.h"
#include "tests/support/disk/simulated_vfs.h"

#include <sqlite3.h>
#include <catch2/catch.hpp>

#include <set>
#include <string>

namespace entrepot::test {
namespace {

constexpr int kSeeds = 200;

// What a crash can leave of one file: its content, or "absent".
std::set<std::string> outcomes(const DiskRecord& record, std::size_t moment,
                               const std::string& path) {
    CrashStates states{record};
    states.advance_to(moment);
    std::set<std::string> found;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        SimulatedDisk disk{states.crash(seed)};
        if (!disk.exists(path)) {
            found.insert("absent");
            continue;
        }
        const Bytes content = disk.read_file(path, kMiB);
        const std::string text{as_text(content)};
        found.insert(text.size() > 4 ? "other" : text);
    }
    return found;
}

}  // namespace

TEST_CASE("simulated disk: a name needs the directory's sync, content the file's", "[disk]") {
    SimulatedDisk disk;
    disk.make_directories("/d");
    disk.begin_record();
    const auto file = disk.create("/d/f");
    file->write(0, as_bytes("ab"));
    const std::size_t written = disk.change_count();
    file->sync();
    const std::size_t synced = disk.change_count();
    disk.sync_directory("/d");
    const std::size_t named = disk.change_count();
    file->write(0, as_bytes("cd"));
    const std::size_t overwritten = disk.change_count();
    const DiskRecord record = disk.take_record();

    const auto loose = outcomes(record, written, "/d/f");
    CHECK(loose.contains("absent"));
    CHECK(loose.contains(""));
    CHECK(loose.contains("ab"));
    CHECK(outcomes(record, synced, "/d/f") == std::set<std::string>{"absent", "ab"});
    CHECK(outcomes(record, named, "/d/f") == std::set<std::string>{"ab"});
    CHECK(outcomes(record, overwritten, "/d/f") == std::set<std::string>{"ab", "cd"});
}

TEST_CASE("simulated disk: a rename happens or not, and never loses the file", "[disk]") {
    SimulatedDisk disk;
    disk.make_directories("/d");
    disk.make_directories("/tmp");
    const auto old = disk.create("/d/f");
    old->write(0, as_bytes("old"));
    disk.begin_record();
    const auto file = disk.create("/tmp/f");
    file->write(0, as_bytes("new"));
    file->sync();
    disk.sync_directory("/tmp");
    disk.rename("/tmp/f", "/d/f");
    const std::size_t renamed = disk.change_count();
    disk.sync_directory("/d");
    const DiskRecord record = disk.take_record();

    CHECK(outcomes(record, renamed, "/d/f") == std::set<std::string>{"old", "new"});
    CHECK(outcomes(record, renamed, "/tmp/f") == std::set<std::string>{"absent", "new"});
    CHECK(outcomes(record, record.changes.size(), "/d/f") == std::set<std::string>{"new"});
    CHECK(outcomes(record, record.changes.size(), "/tmp/f") ==
          std::set<std::string>{"absent", "new"});
}

TEST_CASE("simulated disk: a large write is torn at sectors", "[disk]") {
    SimulatedDisk disk;
    disk.begin_record();
    const auto file = disk.create("/f");
    disk.sync_directory("/");
    file->write(0, Bytes(4096, std::byte{1}));
    file->sync();
    file->write(256, Bytes(2048, std::byte{2}));
    const DiskRecord record = disk.take_record();
    CrashStates states{record};
    states.advance_to(states.change_count());
    std::size_t torn = 0;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        SimulatedDisk after{states.crash(seed)};
        const Bytes content = after.read_file("/f", kMiB);
        REQUIRE(content.size() == 4096);
        CHECK(content[255] == std::byte{1});
        CHECK(content[256 + 2048] == std::byte{1});
        // Within a sector all is old or all is new.
        for (std::size_t at = 513; at < 1024; ++at)
            REQUIRE(content[at] == content[512]);
        if (content[256] != content[512]) ++torn;
    }
    CHECK(torn > 0);
}

TEST_CASE("simulated disk: a sync that the disk lies about makes nothing durable", "[disk]") {
    SimulatedDisk disk;
    disk.begin_record();
    const auto file = disk.create("/f");
    file->write(0, as_bytes("ab"));
    file->sync();
    disk.sync_directory("/");
    const DiskRecord record = disk.take_record();
    CrashStates honest{record};
    CrashStates liar{record, [](const Change&, std::size_t number) { return number == 0; }};
    std::size_t lost = 0;
    for (CrashStates* states : {&honest, &liar}) {
        states->advance_to(states->change_count());
        for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
            SimulatedDisk after{states->crash(seed)};
            const bool is_there = as_text(after.read_file("/f", kMiB)) == "ab";
            if (states == &honest) CHECK(is_there);
            if (!is_there) ++lost;
        }
    }
    CHECK(lost > 0);
}

TEST_CASE("simulated disk: it fails, fills up and dies when told", "[disk]") {
    SimulatedDisk disk;
    const auto file = disk.create("/f");
    disk.fail_at(1, ErrorCode::io);
    file->write(0, as_bytes("a"));
    CHECK_THROWS_AS(file->sync(), Error);
    CHECK(disk.has_misbehaved());
    file->sync();
    disk.be_full_at(1);
    file->write(0, as_bytes("b"));
    CHECK_THROWS_AS(file->write(0, as_bytes("c")), Error);
    CHECK_THROWS_AS(disk.create("/g"), Error);
    disk.remove("/absent");
    disk.rename("/f", "/h");
    disk.die_at(1);
    file->write(0, as_bytes("d"));
    CHECK_THROWS_AS(file->write(0, as_bytes("e")), DiskDied);
    CHECK_THROWS_AS(disk.remove("/h"), DiskDied);
    disk.behave();
    CHECK(as_text(disk.read_file("/h", kMiB)) == "d");
}

TEST_CASE("simulated disk: SQLite keeps a committed row through any crash", "[disk]") {
    SimulatedDisk disk;
    disk.make_directories("/volume");
    DiskRecord record;
    std::size_t committed = 0;
    const auto run = [](sqlite3* database, const char* sql) {
        return sqlite3_exec(database, sql, nullptr, nullptr, nullptr);
    };
    {
        const SimulatedVfs vfs{"/volume", disk};
        sqlite3* database = nullptr;
        REQUIRE(sqlite3_open("/volume/a.sqlite", &database) == SQLITE_OK);
        REQUIRE(run(database, "PRAGMA synchronous=EXTRA") == SQLITE_OK);
        REQUIRE(run(database, "CREATE TABLE t (v INTEGER)") == SQLITE_OK);
        disk.begin_record();
        REQUIRE(run(database, "INSERT INTO t VALUES (1)") == SQLITE_OK);
        committed = disk.change_count();
        REQUIRE(run(database, "INSERT INTO t VALUES (2)") == SQLITE_OK);
        sqlite3_close(database);
        record = disk.take_record();
    }
    CHECK(committed > 5);
    CrashStates states{record};
    for (std::size_t moment = committed; moment <= states.change_count(); ++moment) {
        states.advance_to(moment);
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            SimulatedDisk after{states.crash(seed)};
            const SimulatedVfs vfs{"/volume", after};
            sqlite3* database = nullptr;
            REQUIRE(sqlite3_open("/volume/a.sqlite", &database) == SQLITE_OK);
            sqlite3_stmt* statement = nullptr;
            REQUIRE(sqlite3_prepare_v2(database, "SELECT COUNT(*) FROM t", -1, &statement,
                                       nullptr) == SQLITE_OK);
            REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
            CHECK(sqlite3_column_int(statement, 0) >= 1);
            sqlite3_finalize(statement);
            sqlite3_close(database);
        }
    }
}

}  // namespace entrepot::test
