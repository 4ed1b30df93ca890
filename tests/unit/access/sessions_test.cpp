// Sessions and tokens: how long they live, what is kept of them.
#include "tests/unit/access/access_fixture.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>

using namespace entrepot;
using namespace entrepot::access;
using namespace std::chrono_literals;
using test::AccessFixture;
using test::code_of;
using test::kHome;
using test::kPassword;

namespace {

TokenDraft draft_of(AccessFixture& fixture, const std::string& user_id, Privilege role) {
    return {.name = "monitoring",
            .user_id = user_id,
            .role = role,
            .expires = fixture.clock.wall_now() + 24h * 30};
}

std::string content_of(const std::filesystem::path& file) {
    std::ifstream stream{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{stream}, {}};
}

}  // namespace

TEST_CASE("sessions: end after 30 idle minutes and after 12 hours in any case (F-WB-04)",
          "[access]") {
    AccessFixture fixture;
    auto& sessions = fixture.access.sessions;
    const Session idle = sessions.begin("1", "ada", Privilege::viewer, kHome);
    const Session busy = sessions.begin("1", "ada", Privilege::viewer, kHome);
    fixture.clock.advance(29min);
    CHECK(sessions.find(busy.cookie));
    fixture.clock.advance(1min);
    CHECK_FALSE(sessions.find(idle.cookie));
    for (int i = 0; i < 11 * 3 + 1; ++i) {
        fixture.clock.advance(20min);
        REQUIRE(sessions.find(busy.cookie));
    }
    fixture.clock.advance(10min);
    CHECK_FALSE(sessions.find(busy.cookie));
}

TEST_CASE("sessions: a restart ends them all (F-WB-04)", "[access]") {
    AccessFixture fixture;
    const Session session = fixture.access.sessions.begin("1", "ada", Privilege::viewer, kHome);
    CHECK(fixture.access.sessions.find(session.cookie));
    Access again{fixture.clock,           fixture.chance,    fixture.log, fixture.state->database(),
                 fixture.state->settings, test::kQuickHashes};
    CHECK_FALSE(again.sessions.find(session.cookie));
}

TEST_CASE("sessions: asking whether one lives does not keep it alive", "[access]") {
    AccessFixture fixture;
    auto& sessions = fixture.access.sessions;
    const Session session = sessions.begin("1", "ada", Privilege::viewer, kHome);
    fixture.clock.advance(29min);
    CHECK(sessions.is_alive(session.id));
    fixture.clock.advance(1min);
    CHECK_FALSE(sessions.is_alive(session.id));
}

TEST_CASE("sessions: a list shows where they came from and opens nothing", "[access]") {
    AccessFixture fixture;
    auto& sessions = fixture.access.sessions;
    const Session made =
        sessions.begin("1", "ada", Privilege::viewer, {"192.0.2.9", std::string(1000, 'x')});
    const auto list = sessions.list();
    REQUIRE(list.size() == 1);
    CHECK(list[0].id == made.id);
    CHECK(list[0].origin.address == "192.0.2.9");
    CHECK(list[0].origin.user_agent.size() == 256);
    CHECK(list[0].cookie.empty());
    CHECK(list[0].csrf_token.empty());
    CHECK_FALSE(sessions.find(made.id));
    CHECK_FALSE(sessions.find(made.csrf_token));
    CHECK_FALSE(sessions.find(""));
}

TEST_CASE("sessions: a user's oldest ends where there are too many, nobody else's", "[access]") {
    AccessFixture fixture;
    auto& sessions = fixture.access.sessions;
    const Session other = sessions.begin("2", "bob", Privilege::viewer, kHome);
    const Session oldest = sessions.begin("1", "ada", Privilege::viewer, kHome);
    fixture.clock.advance(1s);
    for (int i = 0; i < 16; ++i)
        sessions.begin("1", "ada", Privilege::viewer, kHome);
    CHECK_FALSE(sessions.find(oldest.cookie));
    CHECK(sessions.find(other.cookie));
    CHECK(sessions.list().size() == 17);
}

TEST_CASE("tokens: the secret is shown once and not kept (F-WB-20)", "[access]") {
    AccessFixture fixture;
    const auto ada = fixture.add("ada", Privilege::administrator);
    const NewToken token =
        fixture.access.tokens.add(draft_of(fixture, ada.id, Privilege::operator_));
    CHECK(token.secret.starts_with("entrepot_"));
    CHECK(token.secret.size() == 9 + 64);
    fixture.state->database().copy_to(fixture.directory.path() / "copy.db");
    const std::string bytes = content_of(fixture.directory.path() / "copy.db");
    CHECK(bytes.find("monitoring") != std::string::npos);
    CHECK(bytes.find(token.secret.substr(9)) == std::string::npos);
    CHECK(bytes.find(std::string{kPassword.reveal_text()}) == std::string::npos);
}

TEST_CASE("tokens: end by time, by revocation, with their owner (F-WB-20)", "[access]") {
    AccessFixture fixture;
    fixture.add("ada", Privilege::administrator);
    const auto bob = fixture.add("bob", Privilege::operator_);
    const NewToken token =
        fixture.access.tokens.add(draft_of(fixture, bob.id, Privilege::operator_));
    const auto user = fixture.access.find_token_user(token.secret);
    REQUIRE(user);
    CHECK(user->name == "bob");
    CHECK(user->via == Via::token);
    CHECK_FALSE(user->is_local);
    CHECK_FALSE(user->is_confirmed);
    CHECK(fixture.access.is_alive(*user));

    SECTION("its time is over") {
        fixture.clock.advance(24h * 30);
    }
    SECTION("revoked") {
        CHECK(fixture.access.tokens.revoke(token.record.id));
    }
    SECTION("its owner is disabled") {
        fixture.access.set_disabled("bob", true);
    }
    SECTION("its owner is gone") {
        fixture.access.remove_user("bob");
    }

    CHECK_FALSE(fixture.access.find_token_user(token.secret));
    CHECK_FALSE(fixture.access.is_alive(*user));
}

TEST_CASE("tokens: never more than their scope nor than their owner (F-WB-20)", "[access]") {
    AccessFixture fixture;
    fixture.add("ada", Privilege::administrator);
    const auto bob = fixture.add("bob", Privilege::operator_);
    auto& tokens = fixture.access.tokens;
    const auto small = tokens.add(draft_of(fixture, bob.id, Privilege::viewer));
    const auto large = tokens.add(draft_of(fixture, bob.id, Privilege::administrator));
    CHECK(fixture.access.find_token_user(small.secret)->privilege == Privilege::viewer);
    CHECK(fixture.access.find_token_user(large.secret)->privilege == Privilege::operator_);
    fixture.access.set_role("bob", Privilege::viewer);
    CHECK(fixture.access.find_token_user(large.secret)->privilege == Privilege::viewer);
    CHECK_FALSE(fixture.access.find_token_user(large.secret.substr(9)));
    CHECK_FALSE(fixture.access.find_token_user(""));
}

TEST_CASE("tokens: are listed with their last use, to the minute", "[access]") {
    AccessFixture fixture;
    auto& tokens = fixture.access.tokens;
    const auto token = tokens.add(draft_of(fixture, "", Privilege::viewer));
    CHECK_FALSE(tokens.list().at(0).last_used);
    const WallTime first = fixture.clock.wall_now();
    tokens.find(token.secret);
    CHECK(tokens.list().at(0).last_used == first);
    fixture.clock.advance(59s);
    tokens.find(token.secret);
    CHECK(tokens.list().at(0).last_used == first);
    fixture.clock.advance(1s);
    tokens.find(token.secret);
    CHECK(tokens.list().at(0).last_used == first + 1min);
    CHECK(fixture.access.find_token_user(token.secret)->name == "token monitoring");
}

TEST_CASE("tokens: without an end, or with one too far away, there is none", "[access]") {
    AccessFixture fixture;
    TokenDraft draft = draft_of(fixture, "", Privilege::viewer);
    const auto refused = [&] {
        return code_of([&] { fixture.access.tokens.add(draft); }) == ErrorCode::invalid;
    };
    draft.expires = {};
    CHECK(refused());
    draft.expires = fixture.clock.wall_now();
    CHECK(refused());
    draft.expires = fixture.clock.wall_now() + 24h * 367;
    CHECK(refused());
}
