// Whether there is a user, and whether it may enter, is told to nobody who lacks the password: not
// by the answer, not by how often one may try, and not by the time that it takes. Time is not
// measured here; what takes it is counted (F-WB-01).
#include "tests/unit/access/access_fixture.h"
#include "tests/unit/access/counted_hashing.h"

#include <catch2/catch.hpp>

#include <array>
#include <map>
#include <string>
#include <vector>

using namespace entrepot;
using namespace entrepot::access;
using namespace std::chrono_literals;
using test::AccessFixture;
using test::HashingWork;
using test::kHome;
using test::kOtherPassword;
using test::kPassword;
using test::take_hashing_work;

namespace {

/// An administrator, who is refused for a wrong password, and all who are refused in any case.
struct StrangersFixture : AccessFixture {
    StrangersFixture() {
        add("ada", Privilege::administrator);
        add("bob", Privilege::viewer);
        access.set_disabled("bob", true);
        access.add_user("invited", Privilege::viewer, std::nullopt);
    }

    static constexpr std::array kNames{"ada", "nobody", "bob", "invited", "Ada", ""};

    /// What the first sign-in after a start costs.
    std::vector<HashingWork> work_of_first(const std::string& name, const Secret& password) {
        Access started{clock, chance, log, state->database(), state->settings, test::kQuickHashes};
        take_hashing_work();
        started.sign_in(name, password, kHome);
        return take_hashing_work();
    }
};

}  // namespace

TEST_CASE("sign-in: whoever is refused costs one comparison, and the same one (F-WB-01)",
          "[access]") {
    StrangersFixture fixture;
    const std::vector<HashingWork> once{
        {"compare", "$argon2id$v=19$m=8,t=1,p=1",
         std::string{"$argon2id$v=19$m=8,t=1,p=1$"}.size() + 22 + 1 + 43,
         kOtherPassword.reveal_text().size()}};
    for (const std::string name : StrangersFixture::kNames) {
        INFO("user \"" << name << "\"");
        CHECK(fixture.work_of_first(name, kOtherPassword) == once);
        take_hashing_work();
        fixture.access.sign_in(name, kOtherPassword, {name, ""});
        CHECK(take_hashing_work() == once);
        fixture.access.sign_in(name, kOtherPassword, {name, ""});
        CHECK(take_hashing_work() == once);
    }
}

TEST_CASE("sign-in: the right password of one who may not enter costs no less (F-WB-01)",
          "[access]") {
    StrangersFixture fixture;
    const auto entered = fixture.work_of_first("ada", kPassword);
    CHECK(entered.size() == 1);
    CHECK(fixture.work_of_first("bob", kPassword) == entered);
    CHECK(fixture.work_of_first("nobody", kPassword) == entered);
    // Nobody's hash is empty for those who were invited: an empty password is not theirs.
    CHECK(fixture.work_of_first("invited", Secret{}) == fixture.work_of_first("nobody", Secret{}));
    CHECK_FALSE(fixture.access.sign_in("invited", Secret{}, kHome).session);
}

TEST_CASE("sign-in: a password beyond all bounds is hashed for nobody (F-WB-01)", "[access]") {
    StrangersFixture fixture;
    const Secret endless{std::string_view{std::string(1000, 'x')}};
    for (const std::string name : StrangersFixture::kNames)
        CHECK(fixture.work_of_first(name, endless).empty());
}

TEST_CASE("sign-in: all who are refused wait alike, and are told of alike (F-WB-01)", "[access]") {
    StrangersFixture fixture;
    std::map<std::string, std::vector<std::chrono::seconds>> waits;
    for (int turn = 0; turn < 40; ++turn) {
        for (const std::string name : StrangersFixture::kNames) {
            const SignIn result = fixture.access.sign_in(name, kOtherPassword, {"of " + name, ""});
            CHECK_FALSE(result.session);
            waits[name].push_back(result.wait);
        }
        fixture.clock.advance(1s);
    }
    CHECK(waits["ada"].back() > 0s);
    for (const auto& [name, of_name] : waits) {
        INFO("user \"" << name << "\"");
        CHECK(of_name == waits["ada"]);
        CHECK(fixture.log.has("sign-in refused user=" + name + " from=of " + name));
    }
}

TEST_CASE("hashing: nobody's hash costs what the options say, as a new one does (F-WB-01)",
          "[access]") {
    SystemRandom chance;
    PasswordHasher hasher{chance, {.pass_count = 3, .memory_bytes = 32 * kKiB}};
    const std::string known = hasher.hash(kPassword);
    take_hashing_work();
    CHECK_FALSE(hasher.matches(kOtherPassword, known));
    const auto of_known = take_hashing_work();
    CHECK_FALSE(hasher.matches(kOtherPassword, ""));
    CHECK(take_hashing_work() == of_known);
    REQUIRE(of_known.size() == 1);
    CHECK(of_known.at(0).cost == "$argon2id$v=19$m=32,t=3,p=1");
}
