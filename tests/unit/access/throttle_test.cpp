// Guessing passwords: how long it takes, and whom it harms.
#include "tests/unit/access/access_fixture.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

using namespace entrepot;
using namespace entrepot::access;
using namespace std::chrono_literals;
using test::AccessFixture;
using test::kHome;
using test::kOtherPassword;
using test::kPassword;

namespace {

// How many tries get through within a duration, each as soon as it may.
int count_tries(ManualClock& clock, SignInThrottle& throttle,
                const std::function<std::string(int)>& account,
                const std::function<std::string(int)>& address, std::chrono::seconds duration) {
    const SteadyTime end = clock.steady_now() + duration;
    int count = 0;
    for (int turn = 0; clock.steady_now() < end && turn < 100'000; ++turn) {
        const auto wait = throttle.begin_try(account(count), address(count));
        if (wait > 0s) {
            clock.advance(wait);
        } else {
            ++count;
        }
    }
    return count;
}

}  // namespace

TEST_CASE("throttle: a password is not guessed, for one account or for many (F-WB-01)",
          "[access]") {
    ManualClock clock{*parse_time("2026-03-01T12:00:00Z")};
    SignInThrottle throttle{clock};
    const auto one = [](int) { return std::string{"one"}; };
    const auto many = [](int count) { return std::to_string(count); };
    SECTION("one account from one address") {
        CHECK(count_tries(clock, throttle, one, one, 1h) < 20);
    }
    SECTION("many accounts from one address") {
        CHECK(count_tries(clock, throttle, many, one, 1h) < 20);
    }
    SECTION("one account from many addresses") {
        CHECK(count_tries(clock, throttle, one, many, 1h) < 140);
    }
}

TEST_CASE("throttle: a few mistakes cost nothing, a success wipes them out", "[access]") {
    ManualClock clock{*parse_time("2026-03-01T12:00:00Z")};
    SignInThrottle throttle{clock};
    for (int i = 0; i < 5; ++i)
        CHECK(throttle.begin_try("ada", "home") == 0s);
    CHECK(throttle.begin_try("ada", "home") == 1s);
    clock.advance(1s);
    CHECK(throttle.begin_try("ada", "home") == 0s);
    CHECK(throttle.begin_try("ada", "home") == 2s);
    throttle.forgive("ada", "home");
    CHECK(throttle.begin_try("ada", "home") == 0s);
}

TEST_CASE("throttle: an owner at a known address does not wait for what others try (F-WB-01)",
          "[access]") {
    ManualClock clock{*parse_time("2026-03-01T12:00:00Z")};
    SignInThrottle throttle{clock};
    throttle.forgive("ada", "home");
    for (int i = 0; i < 50; ++i)
        throttle.begin_try("ada", "attacker" + std::to_string(i));
    CHECK(throttle.begin_try("ada", "attacker") > 0s);
    CHECK(throttle.begin_try("ada", "home") == 0s);
    // And from anywhere the wait is short: nobody is locked out.
    CHECK(throttle.begin_try("ada", "elsewhere") <= 30s);
}

TEST_CASE("throttle: who was refused often in a row is told of, until it is long ago (F-WB-01)",
          "[access]") {
    ManualClock clock{*parse_time("2026-03-01T12:00:00Z")};
    SignInThrottle throttle{clock};
    const auto fail = [&](const std::string& account, const std::string& address, int count) {
        for (int i = 0; i < count; ++i) {
            CHECK(throttle.begin_try(account, address) == 0s);
            clock.advance(15min);
        }
    };
    fail("ada", "a", 9);
    CHECK(throttle.list_suspects().empty());
    fail("eve", "a", 3);
    fail("ada", "b", 1);
    const auto suspects = throttle.list_suspects();
    REQUIRE(suspects.size() == 2);
    CHECK(suspects.at(0).kind == SignInThrottle::Suspect::Kind::address);
    CHECK(suspects.at(0).name == "a");
    CHECK(suspects.at(0).failure_count == 12);
    CHECK(suspects.at(1).name == "ada");
    throttle.forgive("ada", "home");
    CHECK(throttle.list_suspects().size() == 1);
    clock.advance(25h);
    CHECK(throttle.list_suspects().empty());
}

TEST_CASE("sign-in: who failed too often waits even with the right password", "[access]") {
    AccessFixture fixture;
    fixture.add("ada", Privilege::administrator);
    for (int i = 0; i < 5; ++i)
        CHECK_FALSE(fixture.access.sign_in("ada", kOtherPassword, kHome).session);
    const SignIn early = fixture.access.sign_in("ada", kPassword, kHome);
    CHECK_FALSE(early.session);
    CHECK(early.wait == 1s);
    fixture.clock.advance(1s);
    CHECK(fixture.access.sign_in("ada", kPassword, kHome).session);
}

TEST_CASE("hashing: few at a time, and whom the queue has no place for is turned away (F-WB-02)",
          "[access]") {
    SystemRandom random;
    PasswordHasher hasher{
        random, {.pass_count = 1, .memory_bytes = 16 * kMiB, .parallel_max = 1, .waiting_max = 1}};
    std::atomic<int> done = 0;
    std::atomic<int> turned_away = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 12; ++i) {
            threads.emplace_back([&] {
                try {
                    hasher.hash(kPassword);
                    ++done;
                } catch (const Error& error) {
                    if (error.code() == ErrorCode::busy) ++turned_away;
                }
            });
        }
    }
    CHECK(done + turned_away == 12);
    CHECK(done >= 1);
    CHECK(turned_away >= 1);
    CHECK(hasher.matches(kPassword, hasher.hash(kPassword)));
}

TEST_CASE("hashing: nobody's hash matches nothing", "[access]") {
    SystemRandom random;
    PasswordHasher hasher{random, test::kQuickHashes};
    CHECK_FALSE(hasher.matches(kPassword, ""));
    CHECK_FALSE(hasher.matches(Secret{}, ""));
    CHECK_FALSE(hasher.matches(kPassword, "no hash"));
    CHECK_FALSE(hasher.matches(kOtherPassword, hasher.hash(kPassword)));
}
