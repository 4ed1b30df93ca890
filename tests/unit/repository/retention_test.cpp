// Which points a rule keeps, and what local time is.
#include "storage/repository/retention.h"

#include "base/error.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>

namespace entrepot::repository {
namespace {

WallTime at(const char* text) {
    return parse_time(text).value();
}

std::vector<RetentionPoint> points_at(const std::vector<const char*>& times) {
    std::vector<RetentionPoint> points;
    for (std::size_t i = 0; i < times.size(); ++i) {
        points.push_back({fmt::format("p{}", i), i + 1, at(times[i])});
    }
    return points;
}

std::vector<std::string> kept_ids(const RetentionPlan& plan) {
    std::vector<std::string> ids;
    for (const KeptPoint& point : plan.kept)
        ids.push_back(point.id);
    return ids;
}

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("retention: a rule that keeps nothing is refused", "[retention]") {
    CHECK_THROWS_AS(plan_retention({}, {}, at("2026-01-01T00:00:00Z"), *TimeZone::utc()), Error);
}

TEST_CASE("retention: slots keep their newest point, and say why", "[retention]") {
    const auto points =
        points_at({"2026-01-29T08:00:00Z", "2026-01-30T08:00:00Z", "2026-01-30T20:00:00Z",
                   "2026-01-31T08:00:00Z", "2026-01-31T20:00:00Z"});
    RetentionRule rule;
    rule.keep_daily = 2;
    const RetentionPlan plan =
        plan_retention(points, rule, at("2026-02-01T00:00:00Z"), *TimeZone::utc());
    CHECK(kept_ids(plan) == Ids{"p2", "p4"});
    CHECK(plan.removed == Ids{"p0", "p1", "p3"});
    CHECK(plan.kept.at(0).because == Ids{"daily 2026-01-30"});
    CHECK(plan.kept.at(1).because == Ids{"daily 2026-01-31", "newest undamaged"});
}

TEST_CASE("retention: weeks are those of ISO 8601", "[retention]") {
    // Friday 2027-01-01 is in week 53 of 2026, the Monday after it in week 1.
    const auto points = points_at({"2026-12-28T00:00:00Z", "2027-01-01T00:00:00Z",
                                   "2027-01-03T23:00:00Z", "2027-01-04T00:00:00Z"});
    RetentionRule rule;
    rule.keep_weekly = 9;
    const RetentionPlan plan =
        plan_retention(points, rule, at("2027-02-01T00:00:00Z"), *TimeZone::utc());
    CHECK(kept_ids(plan) == Ids{"p2", "p3"});
    CHECK(plan.kept.at(0).because == Ids{"weekly 2026-W53"});
    CHECK(plan.kept.at(1).because.at(0) == "weekly 2027-W01");
}

TEST_CASE("retention: the newest undamaged, the protected and the future stay", "[retention]") {
    auto points = points_at({"2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z",
                             "2026-01-04T00:00:00Z", "2030-01-01T00:00:00Z"});
    points[0].is_protected = true;
    points[3].is_damaged = true;
    RetentionRule rule;
    rule.keep_last = 1;
    const RetentionPlan plan =
        plan_retention(points, rule, at("2026-02-01T00:00:00Z"), *TimeZone::utc());
    CHECK(kept_ids(plan) == Ids{"p0", "p2", "p4"});
    CHECK(plan.removed == Ids{"p1", "p3"});
    CHECK(plan.kept.at(1).because == Ids{"last 1", "newest undamaged"});
}

TEST_CASE("retention: a flood of points does not push the days before it out", "[retention]") {
    std::vector<RetentionPoint> points =
        points_at({"2026-01-01T12:00:00Z", "2026-01-02T12:00:00Z"});
    for (int i = 0; i < 500; ++i) {
        points.push_back({fmt::format("flood{}", i), 100 + static_cast<std::uint64_t>(i),
                          at("2026-01-03T12:00:00Z") + std::chrono::seconds{i}});
    }
    RetentionRule rule;
    rule.keep_daily = 3;
    const RetentionPlan plan =
        plan_retention(points, rule, at("2026-01-04T00:00:00Z"), *TimeZone::utc());
    CHECK(kept_ids(plan) == Ids{"p0", "p1", "flood499"});
}

TEST_CASE("retention: local days, and the hour that comes twice", "[retention]") {
    if (!std::filesystem::exists("/usr/share/zoneinfo/Europe/Berlin")) {
        WARN("skipped: no tz database here");
        return;
    }
    PosixFileSystem files;
    const auto berlin = TimeZones{files}.get("Europe/Berlin");
    const auto twice = points_at({"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"});
    RetentionRule rule;
    rule.keep_hourly = 5;
    const auto plan = plan_retention(twice, rule, at("2026-10-26T00:00:00Z"), *berlin);
    CHECK(kept_ids(plan) == Ids{"p0", "p1"});
    CHECK(plan.kept.at(0).because.at(0) == "hourly 2026-10-25T02+02:00");
    CHECK(plan.kept.at(1).because.at(0) == "hourly 2026-10-25T02+01:00");
    const auto night = points_at({"2026-01-30T22:30:00Z", "2026-01-30T23:30:00Z"});
    rule = {};
    rule.keep_daily = 5;
    CHECK(kept_ids(plan_retention(night, rule, at("2026-02-01T00:00:00Z"), *berlin)) ==
          Ids{"p0", "p1"});
    CHECK(kept_ids(plan_retention(night, rule, at("2026-02-01T00:00:00Z"), *TimeZone::utc())) ==
          Ids{"p1"});
}

}  // namespace entrepot::repository
