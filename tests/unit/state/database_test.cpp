// The state database: creation, upgrade, damage, one owner. Follows F-DB of the fault catalogue.
#include "appliance/state/database.h"
#include "appliance/state/statement.h"

#include "base/file_system.h"

#include "tests/support/state_fixture.h"

#include <sqlite3.h>

#include <catch2/catch.hpp>

using namespace entrepot;
using namespace entrepot::state;
using test::code_of;
using test::StateFixture;

namespace {

constexpr const char* kFirst[] = {"CREATE TABLE things (name TEXT PRIMARY KEY)",
                                  "INSERT INTO things (name) VALUES ('old')"};
constexpr const char* kSecond[] = {"ALTER TABLE things ADD COLUMN size BIGINT NOT NULL DEFAULT 7"};
constexpr const char* kBroken[] = {"INSERT INTO things (name) VALUES ('half')",
                                   "INSERT INTO no_such_table VALUES (1)"};
constexpr Migration kOne[] = {{1, kFirst}};
constexpr Migration kTwo[] = {{1, kFirst}, {2, kSecond}};
constexpr Migration kTwoBroken[] = {{1, kFirst}, {2, kBroken}};

std::int64_t read_number(Database& database, const char* sql) {
    std::int64_t value = 0;
    database.transact(
        [&](Poco::Data::Session& session) { value = query(session, sql).number(0, 0); });
    return value;
}

std::size_t count_things(Database& database) {
    std::size_t count = 0;
    database.transact([&](Poco::Data::Session& session) {
        count = query(session, "SELECT name FROM things").size();
    });
    return count;
}

}  // namespace

TEST_CASE("state database: an older schema is upgraded and a copy of it kept", "[state]") {
    const test::TemporaryDirectory directory;
    const auto file = directory.path() / "state.db";
    Database::open(file, kOne);
    const auto upgraded = Database::open(file, kTwo);
    CHECK(read_number(*upgraded, "SELECT size FROM things") == 7);
    CHECK(read_number(*upgraded, "SELECT version FROM schema_version") == 2);
    const auto copy = Database::open(file.string() + ".before-2", kOne);
    CHECK(read_number(*copy, "SELECT version FROM schema_version") == 1);
}

TEST_CASE("state database: a newer schema is refused, in words", "[state]") {
    const test::TemporaryDirectory directory;
    const auto file = directory.path() / "state.db";
    Database::open(file, kTwo);
    try {
        Database::open(file, kOne);
        FAIL("it was opened");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::unsupported);
        CHECK(error.message().find("schema 2, this version knows up to 1") != std::string::npos);
    }
}

TEST_CASE("state database: an upgrade that fails leaves the old schema whole", "[state]") {
    const test::TemporaryDirectory directory;
    const auto file = directory.path() / "state.db";
    Database::open(file, kOne);
    CHECK_THROWS(Database::open(file, kTwoBroken));
    const auto old = Database::open(file, kOne);
    CHECK(read_number(*old, "SELECT version FROM schema_version") == 1);
    CHECK(count_things(*old) == 1);
}

TEST_CASE("state database: empty, foreign and damaged files are refused as such", "[state]") {
    StateFixture fixture;
    for (int i = 0; i < 200; ++i) {
        fixture.state->settings.put("key " + std::to_string(i), std::string(500, 'x'));
    }
    fixture.state.reset();
    PosixFileSystem files;
    SECTION("empty") {
        files.open_write(fixture.file())->truncate(0);
    }
    SECTION("something else") {
        files.open_write(fixture.file())->write(0, as_bytes("this is not a database file at all"));
    }
    SECTION("a page in the middle overwritten") {
        const auto file = files.open_write(fixture.file());
        file->write(file->size() / 2 / 4096 * 4096, Bytes(4096, std::byte{0x55}));
    }
    SECTION("cut off") {
        const auto file = files.open_write(fixture.file());
        file->truncate(file->size() / 2 / 4096 * 4096);
    }
    CHECK(code_of([&] { fixture.open(); }) == ErrorCode::corrupt);
}

TEST_CASE("state database: nobody else gets in while it is open", "[state]") {
    StateFixture fixture;
    CHECK(code_of([&] { fixture.open(); }) == ErrorCode::busy);

    sqlite3* other = nullptr;
    REQUIRE(sqlite3_open(fixture.file().c_str(), &other) == SQLITE_OK);
    CHECK(sqlite3_exec(other, "DELETE FROM hosts", nullptr, nullptr, nullptr) == SQLITE_BUSY);
    sqlite3_close(other);
    fixture.reopen();
}

TEST_CASE("state database: durability and mode are what the design says", "[state]") {
    StateFixture fixture;
    fixture.state->database().transact([](Poco::Data::Session& session) {
        CHECK(query(session, "PRAGMA synchronous").text(0, 0) == "2");  // FULL
        CHECK(query(session, "PRAGMA locking_mode").text(0, 0) == "exclusive");
        CHECK(query(session, "PRAGMA journal_mode").text(0, 0) == "wal");
    });
    const auto mode = std::filesystem::status(fixture.file()).permissions();
    CHECK((mode & (std::filesystem::perms::group_all | std::filesystem::perms::others_all)) ==
          std::filesystem::perms::none);
}

TEST_CASE("state database: what throws inside a transaction leaves nothing", "[state]") {
    StateFixture fixture;
    Database& database = fixture.state->database();
    CHECK_THROWS_AS(database.transact([](Poco::Data::Session& session) {
        execute(session, "INSERT INTO settings (name, value) VALUES ('a', '1')");
        throw Error{ErrorCode::invalid, "no"};
    }),
                    Error);
    CHECK(!fixture.state->settings.find("a"));
    fixture.state->settings.put("a", 2);
    CHECK(fixture.state->settings.find("a") == Json(2));
}

TEST_CASE("state database: a copy holds what the original held", "[state]") {
    StateFixture fixture;
    fixture.state->settings.put("colour", "blue");
    const auto target = fixture.directory.path() / "copy.db";
    fixture.state->database().copy_to(target);
    CHECK(code_of([&] { fixture.state->database().copy_to(target); }) == ErrorCode::already_exists);
    State copy{target, fixture.clock, fixture.random};
    CHECK(copy.settings.find("colour") == Json("blue"));
}

TEST_CASE("state database: the count of changes is another after each, and the same without",
          "[state]") {
    const test::TemporaryDirectory directory;
    const auto database = Database::open(directory.path() / "state.db", kTwo);
    const std::int64_t first = database->change_count();
    CHECK(count_things(*database) == 1);
    CHECK(database->change_count() == first);
    const auto run = [&](const char* sql) {
        database->transact([&](Poco::Data::Session& session) { execute(session, sql); });
    };
    run("INSERT INTO things (name) VALUES ('new')");
    const std::int64_t second = database->change_count();
    CHECK(second != first);
    run("UPDATE things SET size = 8 WHERE name = 'new'");
    const std::int64_t third = database->change_count();
    CHECK(third != second);
    run("DELETE FROM things WHERE name = 'new'");
    CHECK(database->change_count() != third);
}
