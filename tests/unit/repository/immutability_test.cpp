// What nobody can delete, whatever the clock says: P17 and P18 of the threats.
#include "repository_fixture.h"

#include "storage/repository/retention.h"

#include "base/error.h"
#include "base/json.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

namespace entrepot::repository::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kDiskBytes = 4 * kChunk;
constexpr std::chrono::hours kYears{24 * 365 * 10};

const auto is_conflict = Catch::Predicate<Error>(
    [](const Error& error) { return error.code() == ErrorCode::conflict; }, "conflict");

CreateOptions aged(std::chrono::seconds minimum_age) {
    CreateOptions options;
    options.minimum_age = minimum_age;
    return options;
}

// Every way by which a point or what it holds could go.
void check_nothing_is_deleted(Fixture& fixture, const std::string& point) {
    Repository& repository = fixture.repository();
    CHECK_THROWS_MATCHES(repository.delete_point(point), Error, is_conflict);
    const std::size_t packs = fixture.objects("packs").size();
    repository.rebuild_catalog(fixture.work());
    CHECK_THROWS_MATCHES(repository.delete_point(point), Error, is_conflict);
    CHECK(repository.find_point(point).id == point);
    CHECK(fixture.objects("packs").size() == packs);
}

void check_frozen(Fixture& fixture, const std::string& point) {
    CHECK_FALSE(fixture.repository().time_state().frozen.empty());
    check_nothing_is_deleted(fixture, point);
    CHECK_THROWS_MATCHES(fixture.repository().collect_garbage(DryRun::no, fixture.work()), Error,
                         is_conflict);
    fixture.repository().collect_garbage(DryRun::yes, fixture.work());
}

}  // namespace

TEST_CASE("immutability: a point younger than the minimum age stays, an older one can go",
          "[immutability]") {
    Fixture fixture{"secret", aged(72h)};
    const std::string point = fixture.add_full("vm", make_disk(1, kDiskBytes));
    for (int day = 0; day < 3; ++day) {
        check_nothing_is_deleted(fixture, point);
        fixture.clock_.advance(24h - 1min);
        fixture.reopen();
    }
    check_nothing_is_deleted(fixture, point);
    fixture.clock_.advance(4min);
    fixture.repository().delete_point(point);
    CHECK(fixture.repository().list_points({}).empty());
}

TEST_CASE("immutability: the minimum age is extended and never reduced", "[immutability]") {
    Fixture fixture{"secret", aged(24h)};
    const std::string point = fixture.add_full("vm", make_disk(2, kDiskBytes));
    Repository& repository = fixture.repository();
    CHECK_THROWS_MATCHES(repository.extend_minimum_age(23h), Error, is_conflict);
    CHECK_THROWS_AS(repository.extend_minimum_age(std::chrono::hours{24 * 366 * 11}), Error);
    repository.extend_minimum_age(24h);
    repository.extend_minimum_age(48h);
    CHECK(repository.time_state().minimum_age == 48h);
    fixture.clock_.advance(25h);
    check_nothing_is_deleted(fixture, point);
    CHECK(fixture.reopen().time_state().minimum_age == 48h);
    check_nothing_is_deleted(fixture, point);
}

TEST_CASE("immutability: neither of the two places where the minimum age stands can be reduced",
          "[immutability]") {
    Fixture fixture{"secret", aged(0s)};
    const std::string point = fixture.add_full("vm", make_disk(3, kDiskBytes));
    fixture.repository().extend_minimum_age(48h);
    fixture.close();
    if (GENERATE(true, false)) {
        const auto path = fixture.directory() / "repository.json";
        Json config = parse_json(as_text(fixture.posix_.read_file(path, kMiB)), "config");
        REQUIRE(config.at("minimum_age_seconds") == 48 * 3600);
        config["minimum_age_seconds"] = 0;
        std::ofstream{path, std::ios::trunc} << dump_json(config);
    } else {
        std::filesystem::remove(fixture.directory() / "time");
    }
    CHECK(fixture.reopen().time_state().minimum_age == 48h);
    check_nothing_is_deleted(fixture, point);
}

TEST_CASE("clock: forward by years while we run, and nothing is deleted", "[immutability][clock]") {
    Fixture fixture{"secret", aged(72h)};
    const std::string point = fixture.add_full("vm", make_disk(4, kDiskBytes));
    const std::string free = fixture.add_full("vm", make_disk(5, kDiskBytes));
    fixture.repository().protect_point(point, fixture.clock_.wall_now() + 1h);
    fixture.clock_.jump(kYears);
    check_frozen(fixture, point);
    check_frozen(fixture, free);
    // A restart, and the clock set right again, change nothing until somebody confirms.
    fixture.reopen();
    check_frozen(fixture, point);
    fixture.clock_.jump(-kYears);
    check_frozen(fixture, point);
    fixture.reopen();
    check_frozen(fixture, point);
    fixture.repository().confirm_clock(fixture.clock_.wall_now());
    check_nothing_is_deleted(fixture, free);  // By its age.
    fixture.clock_.advance(73h);
    fixture.repository().delete_point(free);
}

TEST_CASE("clock: back by years while we run, and nothing is deleted", "[immutability][clock]") {
    Fixture fixture;
    const std::string point = fixture.add_full("vm", make_disk(6, kDiskBytes));
    const WallTime before = fixture.repository().time_state().now;
    fixture.clock_.jump(-kYears);
    check_frozen(fixture, point);
    CHECK(fixture.repository().time_state().now >= before);
    // A point that is taken now is dated years ago, and is young all the same.
    fixture.repository().extend_minimum_age(72h);
    const std::string dated = fixture.add_full("vm", make_disk(7, kDiskBytes));
    CHECK(fixture.repository().find_point(dated).time < before);
    fixture.reopen();
    fixture.clock_.jump(kYears);
    fixture.repository().confirm_clock(fixture.clock_.wall_now());
    check_nothing_is_deleted(fixture, dated);
    fixture.clock_.advance(73h);
    fixture.repository().delete_point(dated);
}

TEST_CASE("clock: forward or back by years while nobody runs, and nothing is deleted",
          "[immutability][clock]") {
    const bool is_machine_restarted = GENERATE(true, false);
    const std::chrono::hours by = GENERATE(1, -1) * kYears;
    Fixture fixture;
    fixture.clock_.advance(1h);
    const std::string point = fixture.add_full("vm", make_disk(8, kDiskBytes));
    fixture.reopen();
    const WallTime before = fixture.repository().time_state().now;
    fixture.close();
    if (is_machine_restarted) fixture.clock_.restart_machine();
    fixture.clock_.jump(by);
    fixture.reopen();
    check_frozen(fixture, point);
    CHECK(fixture.repository().time_state().now >= before);
    CHECK(fixture.repository().time_state().now < before + 1h);
    fixture.reopen();
    check_frozen(fixture, point);
    // Where somebody says that so much time did pass, it did; and time goes on.
    fixture.repository().confirm_clock(fixture.clock_.wall_now());
    CHECK(fixture.reopen().time_state().frozen.empty());
    CHECK(fixture.repository().time_state().now >= before);
    fixture.repository().delete_point(point);
}

TEST_CASE("clock: a night or a weekend of rest is no jump where the machine kept count",
          "[immutability][clock]") {
    Fixture fixture;
    fixture.clock_.advance(1h);
    const std::string point = fixture.add_full("vm", make_disk(9, kDiskBytes));
    fixture.close();
    SECTION("the machine was on for three days, and nobody ran") {
        fixture.clock_.advance(72h);
    }
    SECTION("the machine was off for a night") {
        fixture.clock_.restart_machine();
        fixture.clock_.jump(12h);
    }
    fixture.reopen();
    CHECK(fixture.repository().time_state().now == fixture.clock_.wall_now());
    fixture.repository().delete_point(point);
}

TEST_CASE("clock: many small jumps are one large one", "[immutability][clock]") {
    Fixture fixture{"secret", aged(100h)};
    const std::string point = fixture.add_full("vm", make_disk(10, kDiskBytes));
    for (int i = 0; i < 10; ++i) {
        fixture.clock_.jump(20h);
        if (i % 2 == 0) fixture.reopen();
        fixture.repository().time_state();
    }
    check_frozen(fixture, point);
}

TEST_CASE("clock: who confirms must have seen what the clock says now", "[immutability][clock]") {
    Fixture fixture;
    const std::string point = fixture.add_full("vm", make_disk(11, kDiskBytes));
    fixture.clock_.jump(kYears);
    const WallTime seen = fixture.clock_.wall_now();
    check_frozen(fixture, point);
    fixture.clock_.jump(kYears);
    CHECK_THROWS_MATCHES(fixture.repository().confirm_clock(seen), Error, is_conflict);
    check_frozen(fixture, point);
}

TEST_CASE("clock: a record of time that is damaged freezes deletion", "[immutability][clock]") {
    Fixture fixture;
    const std::string point = fixture.add_full("vm", make_disk(12, kDiskBytes));
    fixture.close();
    flip_byte(fixture.directory() / "time", 40);
    fixture.reopen();
    check_frozen(fixture, point);
    fixture.repository().confirm_clock(fixture.clock_.wall_now());
    fixture.repository().delete_point(point);
}

TEST_CASE("clock: points dated in the future evict nothing", "[immutability][clock]") {
    Fixture fixture;
    const std::string first = fixture.add_full("vm", make_disk(13, kDiskBytes));
    fixture.clock_.advance(1h);
    const std::string second = fixture.add_full("vm", make_disk(14, kDiskBytes));
    fixture.clock_.jump(kYears);
    for (std::uint64_t i = 0; i < 5; ++i)
        fixture.add_full("vm", make_disk(20 + i, kDiskBytes));
    fixture.clock_.jump(-kYears);
    fixture.repository().confirm_clock(fixture.clock_.wall_now());

    std::vector<RetentionPoint> points;
    for (const PointSummary& point : fixture.repository().list_points({})) {
        points.push_back({point.id, point.sequence, point.time, false, false});
    }
    RetentionRule rule;
    rule.keep_last = 1;
    const RetentionPlan plan =
        plan_retention(points, rule, fixture.repository().time_state().now, *TimeZone::utc());
    CHECK(plan.removed == std::vector{first});
    CHECK(plan.kept.front().id == second);
    CHECK(plan.kept.size() == 6);
}

TEST_CASE("immutability: protection only grows, a hold ends by release alone", "[immutability]") {
    Fixture fixture;
    const std::string point = fixture.add_full("vm", make_disk(15, kDiskBytes));
    const WallTime until = fixture.clock_.wall_now() + 48h;
    fixture.repository().protect_point(point, until);
    CHECK_THROWS_MATCHES(fixture.repository().protect_point(point, until - 1h), Error, is_conflict);
    fixture.repository().hold_point(point, "court order 7");
    fixture.repository().protect_point(point, until + 1h);
    fixture.clock_.advance(50h);
    check_nothing_is_deleted(fixture, point);
    CHECK(fixture.repository().find_point(point).hold_reason == "court order 7");
    fixture.repository().release_point(point);
    fixture.repository().delete_point(point);
}

}  // namespace entrepot::repository::test
