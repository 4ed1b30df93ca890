// Setting up, signing in, and what ends with what.
#include "tests/unit/access/access_fixture.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using namespace entrepot::access;
using namespace std::chrono_literals;
using test::AccessFixture;
using test::code_of;
using test::kHome;
using test::kOtherPassword;
using test::kPassword;

TEST_CASE("setup: its link makes one administrator, and no link makes a second (F-WB-08)",
          "[access]") {
    AccessFixture fixture;
    CHECK(fixture.access.is_setup_open());
    const NewLink link = fixture.access.make_setup_link();
    const NewLink other = fixture.access.make_setup_link();
    CHECK(fixture.access.look_at_link(link.token).is_setup);

    const Session session = fixture.access.redeem_link(link.token, "ada", kPassword, kHome);
    CHECK(session.user.privilege == Privilege::administrator);
    CHECK(session.user.name == "ada");
    CHECK_FALSE(fixture.access.is_setup_open());

    const auto redeem = [&](const NewLink& which) {
        return code_of(
            [&] { fixture.access.redeem_link(which.token, "eve", kOtherPassword, kHome); });
    };
    CHECK(redeem(link) == ErrorCode::unauthenticated);
    CHECK(redeem(other) == ErrorCode::unauthenticated);
    CHECK(code_of([&] { fixture.access.make_setup_link(); }) == ErrorCode::conflict);
    CHECK(fixture.access.users.list().size() == 1);
}

TEST_CASE("setup: there is no account before it, and a restart does not open it again",
          "[access]") {
    AccessFixture fixture;
    CHECK(fixture.access.users.is_empty());
    CHECK_FALSE(fixture.access.sign_in("admin", kPassword, kHome).session);
    fixture.access.redeem_link(fixture.access.make_setup_link().token, "ada", kPassword, kHome);

    Access again{fixture.clock,           fixture.chance,    fixture.log, fixture.state->database(),
                 fixture.state->settings, test::kQuickHashes};
    CHECK_FALSE(again.is_setup_open());
    CHECK(again.sign_in("ada", kPassword, kHome).session);
}

TEST_CASE("setup: a weak password spends nothing", "[access]") {
    AccessFixture fixture;
    const NewLink link = fixture.access.make_setup_link();
    const std::string bad =
        GENERATE("", "short", "ada and the rest", "            ", "twelve\tcharacters");
    const std::string name = bad.starts_with("ada") ? bad : "ada";
    CHECK(code_of([&] {
              fixture.access.redeem_link(link.token, name, Secret{std::string_view{bad}}, kHome);
          }) == ErrorCode::invalid);
    CHECK(code_of([&] {
              fixture.access.redeem_link(link.token, "ada",
                                         Secret{std::string_view{std::string(257, 'x')}}, kHome);
          }) == ErrorCode::invalid);
    CHECK(fixture.access.redeem_link(link.token, "ada", kPassword, kHome).user.name == "ada");
}

TEST_CASE("setup: a link ends after a day, and can be made anew without a restart", "[access]") {
    AccessFixture fixture;
    const NewLink link = fixture.access.make_setup_link();
    CHECK(link.expires == fixture.clock.wall_now() + 24h);
    fixture.clock.advance(24h);
    CHECK(code_of([&] { fixture.access.look_at_link(link.token); }) == ErrorCode::unauthenticated);
    CHECK(fixture.access.look_at_link(fixture.access.make_setup_link().token).is_setup);
}

TEST_CASE("setup: a user made on the command line closes it", "[access]") {
    AccessFixture fixture;
    const NewLink link = fixture.access.make_setup_link();
    fixture.add("watcher", Privilege::viewer);
    CHECK(fixture.access.is_setup_open());
    fixture.add("ada", Privilege::administrator);
    CHECK_FALSE(fixture.access.is_setup_open());
    CHECK(code_of([&] { fixture.access.look_at_link(link.token); }) == ErrorCode::unauthenticated);
}

TEST_CASE("links: an invited user chooses a password once; the newest link counts", "[access]") {
    AccessFixture fixture;
    fixture.access.add_user("bob", Privilege::operator_, std::nullopt);
    CHECK_FALSE(fixture.access.sign_in("bob", Secret{}, kHome).session);
    const NewLink old = fixture.access.make_user_link("bob");
    const NewLink link = fixture.access.make_user_link("bob");
    CHECK(code_of([&] { fixture.access.look_at_link(old.token); }) == ErrorCode::unauthenticated);
    CHECK(fixture.access.look_at_link(link.token).user_name == "bob");

    const Session session = fixture.access.redeem_link(link.token, "ada", kPassword, kHome);
    CHECK(session.user.name == "bob");
    CHECK(session.user.privilege == Privilege::operator_);
    CHECK(code_of([&] { fixture.access.look_at_link(link.token); }) == ErrorCode::unauthenticated);
    CHECK(fixture.access.sign_in("bob", kPassword, kHome).session);
}

TEST_CASE("links: a new password ends the sessions that were open", "[access]") {
    AccessFixture fixture;
    fixture.add("bob", Privilege::operator_);
    const auto session = *fixture.access.sign_in("bob", kPassword, kHome).session;
    const NewLink link = fixture.access.make_user_link("bob");
    fixture.access.redeem_link(link.token, "", kOtherPassword, kHome);
    CHECK_FALSE(fixture.access.sessions.find(session.cookie));
    CHECK_FALSE(fixture.access.sign_in("bob", kPassword, kHome).session);
}

TEST_CASE("sign-in: every sign-in makes a session of its own (F-WB-04)", "[access]") {
    AccessFixture fixture;
    fixture.add("ada", Privilege::administrator);
    const auto first = *fixture.access.sign_in("ada", kPassword, kHome).session;
    const auto second = *fixture.access.sign_in("ada", kPassword, kHome).session;
    CHECK(first.cookie != second.cookie);
    CHECK(first.csrf_token != second.csrf_token);
    CHECK(first.id != second.id);
    CHECK(first.cookie.size() == 64);
}

TEST_CASE("sign-in: a role, a password, a removal and a disabling end sessions (F-WB-04)",
          "[access]") {
    AccessFixture fixture;
    fixture.add("ada", Privilege::administrator);
    fixture.add("bob", Privilege::operator_);
    const auto session = *fixture.access.sign_in("bob", kPassword, kHome).session;
    REQUIRE(fixture.access.sessions.find(session.cookie));

    SECTION("another role") {
        fixture.access.set_role("bob", Privilege::viewer);
    }
    SECTION("another password") {
        fixture.access.set_password("bob", kOtherPassword);
    }
    SECTION("disabled") {
        fixture.access.set_disabled("bob", true);
    }
    SECTION("removed") {
        fixture.access.remove_user("bob");
    }
    SECTION("signed out") {
        fixture.access.sessions.end(session.cookie);
    }
    SECTION("ended by somebody") {
        CHECK(fixture.access.sessions.end_id(session.id));
    }

    CHECK_FALSE(fixture.access.sessions.find(session.cookie));
    CHECK_FALSE(fixture.access.is_alive(session.user));
}

TEST_CASE("sign-in: who changes the own password stays in, other browsers do not", "[access]") {
    AccessFixture fixture;
    fixture.add("ada", Privilege::administrator);
    const auto here = *fixture.access.sign_in("ada", kPassword, kHome).session;
    const auto there = *fixture.access.sign_in("ada", kPassword, kHome).session;
    fixture.access.set_password("ada", kOtherPassword, here.id);
    CHECK(fixture.access.sessions.find(here.cookie));
    CHECK_FALSE(fixture.access.sessions.find(there.cookie));
}

TEST_CASE("sign-in: a disabled user does not get in", "[access]") {
    AccessFixture fixture;
    fixture.add("ada", Privilege::administrator);
    fixture.add("bob", Privilege::viewer);
    fixture.access.set_disabled("bob", true);
    CHECK_FALSE(fixture.access.sign_in("bob", kPassword, kHome).session);
    fixture.access.set_disabled("bob", false);
    CHECK(fixture.access.sign_in("bob", kPassword, kHome).session);
}

TEST_CASE("confirmation: lasts ten minutes from the password, and a wrong one gives none",
          "[access]") {
    AccessFixture fixture;
    fixture.add("ada", Privilege::administrator);
    const auto session = *fixture.access.sign_in("ada", kPassword, kHome).session;
    const auto is_confirmed = [&] {
        return fixture.access.sessions.find(session.cookie)->user.is_confirmed;
    };
    CHECK(is_confirmed());
    fixture.clock.advance(9min);
    CHECK(is_confirmed());
    fixture.clock.advance(1min);
    CHECK_FALSE(is_confirmed());

    CHECK_FALSE(fixture.access.confirm(session.user, kOtherPassword, kHome).session);
    CHECK_FALSE(is_confirmed());
    CHECK(fixture.access.confirm(session.user, kPassword, kHome).session);
    CHECK(is_confirmed());
}

TEST_CASE("users: the last administrator stays", "[access]") {
    AccessFixture fixture;
    fixture.add("ada", Privilege::administrator);
    fixture.add("bob", Privilege::operator_);
    CHECK(code_of([&] { fixture.access.remove_user("ada"); }) == ErrorCode::conflict);
    CHECK(code_of([&] { fixture.access.set_role("ada", Privilege::viewer); }) ==
          ErrorCode::conflict);
    CHECK(code_of([&] { fixture.access.set_disabled("ada", true); }) == ErrorCode::conflict);
    CHECK(fixture.access.users.get("ada").role == Privilege::administrator);

    fixture.access.set_role("bob", Privilege::administrator);
    fixture.access.remove_user("ada");
    CHECK_FALSE(fixture.access.users.find("ada"));
}

TEST_CASE("users: two names that differ in letter case only are one", "[access]") {
    AccessFixture fixture;
    fixture.add("ada", Privilege::administrator);
    CHECK(code_of([&] { fixture.add("Ada", Privilege::viewer); }) == ErrorCode::already_exists);
    const std::string bad = GENERATE("", "-x", " a", "a\nb",
                                     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    CHECK(code_of([&] { fixture.add(bad, Privilege::viewer); }) == ErrorCode::invalid);
}

TEST_CASE("passwords: argon2id, each with a salt of its own, none in the database", "[access]") {
    AccessFixture fixture;
    const auto ada = fixture.add("ada", Privilege::administrator);
    const auto bob = fixture.add("bob", Privilege::viewer);
    const std::string hash = fixture.access.users.read_password_hash(ada.id);
    CHECK(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
    CHECK(hash != fixture.access.users.read_password_hash(bob.id));
    const HashOptions standard;
    CHECK(standard.memory_bytes >= 64 * kMiB);
    CHECK(standard.pass_count >= 2);
}
