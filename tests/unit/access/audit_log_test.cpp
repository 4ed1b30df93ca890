// The audit log: a chain that shows what was done to it.
#include "tests/unit/access/access_fixture.h"

#include "appliance/state/statement.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using namespace entrepot::access;
using test::AccessFixture;

namespace {

void write(AccessFixture& fixture, int count) {
    for (int i = 1; i <= count; ++i) {
        fixture.access.audit.append({.user = i % 2 == 0 ? "ada" : "bob",
                                     .via = "session",
                                     .address = "192.0.2.7",
                                     .action = "deletePoint",
                                     .object = "point " + std::to_string(i),
                                     .result = "done",
                                     .details = {{"number", i}}});
    }
}

void damage(AccessFixture& fixture, const char* sql) {
    fixture.state->database().transact(
        [&](Poco::Data::Session& session) { state::execute(session, sql); });
}

}  // namespace

TEST_CASE("audit: what was appended is sound, and comes back newest first", "[access]") {
    AccessFixture fixture;
    CHECK(fixture.access.audit.verify().is_sound());
    write(fixture, 5);
    const AuditCheck check = fixture.access.audit.verify();
    CHECK(check.is_sound());
    CHECK(check.entry_count == 5);

    const auto entries = fixture.access.audit.list({.limit = 3});
    REQUIRE(entries.size() == 3);
    CHECK(entries[0].number == 5);
    CHECK(entries[0].digest == check.head);
    CHECK(entries[0].draft.object == "point 5");
    CHECK(entries[0].draft.details.at("number") == 5);
    CHECK(fixture.access.audit.list({.before = 3}).size() == 2);
    CHECK(fixture.access.audit.list({.user = "ada"}).size() == 2);
    CHECK(fixture.access.audit.list({.action = "addUser"}).empty());
}

TEST_CASE("audit: a removed, changed, moved or added entry is found", "[access]") {
    AccessFixture fixture;
    write(fixture, 6);
    const auto [sql, number] = GENERATE(table<const char*, std::uint64_t>({
        {"DELETE FROM audit WHERE number = 3", 3},
        {"DELETE FROM audit WHERE number = 1", 1},
        {"DELETE FROM audit WHERE number = 6", 6},
        {"DELETE FROM audit WHERE number > 3", 4},
        {"DELETE FROM audit", 1},
        {"UPDATE audit SET user_name = 'eve' WHERE number = 2", 2},
        {"UPDATE audit SET via = 'local' WHERE number = 2", 2},
        {"UPDATE audit SET address = '' WHERE number = 2", 2},
        {"UPDATE audit SET action = 'x' WHERE number = 2", 2},
        {"UPDATE audit SET object = 'point 3' WHERE number = 2", 2},
        {"UPDATE audit SET result = 'refused' WHERE number = 4", 4},
        {"UPDATE audit SET details = '{}' WHERE number = 4", 4},
        {"UPDATE audit SET details = 'no json' WHERE number = 4", 4},
        {"UPDATE audit SET time = time + 1 WHERE number = 5", 5},
        {"UPDATE audit SET digest = '00' WHERE number = 5", 5},
        {"UPDATE audit SET number = CASE number WHEN 2 THEN -3 ELSE -2 END WHERE number IN (2, 3)",
         2},
        {"INSERT INTO audit SELECT 7, time, user_name, via, address, action, object, result, "
         "details, digest FROM audit WHERE number = 6",
         7},
        {"DELETE FROM audit_head", 7},
    }));
    INFO(sql);
    damage(fixture, sql);
    damage(fixture, "UPDATE audit SET number = -number WHERE number < 0");

    const AuditCheck check = fixture.access.audit.verify();
    CHECK_FALSE(check.is_sound());
    CHECK(check.bad_number == number);
}

TEST_CASE("audit: a log that was made anew does not hold the digest that somebody kept",
          "[access]") {
    AccessFixture fixture;
    write(fixture, 3);
    const std::string kept = fixture.access.audit.verify().head;
    write(fixture, 2);
    CHECK(fixture.access.audit.verify(kept).is_sound());

    damage(fixture, "DELETE FROM audit");
    damage(fixture, "DELETE FROM audit_head");
    fixture.clock.advance(std::chrono::seconds{1});
    write(fixture, 5);
    CHECK(fixture.access.audit.verify().is_sound());
    CHECK_FALSE(fixture.access.audit.verify(kept).is_sound());
}

TEST_CASE("audit: more entries than are read at once are verified and visited in order",
          "[access]") {
    AccessFixture fixture;
    write(fixture, 501);
    CHECK(fixture.access.audit.verify().entry_count == 501);
    std::uint64_t expected = 1;
    fixture.access.audit.visit([&](const AuditEntry& entry) {
        CHECK(entry.number == expected++);
        return true;
    });
    CHECK(expected == 502);
    damage(fixture, "DELETE FROM audit WHERE number = 501");
    CHECK(fixture.access.audit.verify().bad_number == 501);
}

TEST_CASE("audit: texts are bounded and made valid, and stay verifiable", "[access]") {
    AccessFixture fixture;
    fixture.access.audit.append({.user = std::string(5000, 'u'),
                                 .via = "nothing",
                                 .address = "\xff\xfe",
                                 .action = "a\r\nb",
                                 .object = std::string(511, 'x') + "\xc3\xa4",
                                 .result = "done",
                                 .details = {{"text", std::string(10'000, 'x')}}});
    CHECK(fixture.access.audit.verify().is_sound());
    const auto entry = fixture.access.audit.list({}).at(0);
    CHECK(entry.draft.user.size() == 512);
    CHECK(entry.draft.details == Json{{"left_out", "too long"}});
}
