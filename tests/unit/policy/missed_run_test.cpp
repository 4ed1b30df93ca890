// Late or not: a run that was due has some time, and is missed after it.
#include "appliance/policy/missed_run.h"

#include "base/file_system.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using namespace entrepot::policy;

namespace {

std::optional<WallTime> missed(const char* calendar, const char* since, const char* now) {
    PosixFileSystem files;
    TimeZones zones{files};
    return find_missed_run(CalendarExpression::parse(calendar, zones), *TimeZone::utc(),
                           *parse_time(since), *parse_time(now));
}

}  // namespace

TEST_CASE("missed run: a nightly one has until the morning", "[policy]") {
    const char* since = "2026-03-01T22:10:00Z";
    CHECK_FALSE(missed("*-*-* 22:00", since, "2026-03-02T21:59:00Z"));
    CHECK_FALSE(missed("*-*-* 22:00", since, "2026-03-03T04:00:00Z"));
    CHECK(missed("*-*-* 22:00", since, "2026-03-03T04:01:00Z") ==
          parse_time("2026-03-02T22:00:00Z"));
}

TEST_CASE("missed run: an hourly one has until the next", "[policy]") {
    const char* since = "2026-03-01T10:05:00Z";
    CHECK_FALSE(missed("hourly", since, "2026-03-01T11:59:00Z"));
    CHECK(missed("hourly", since, "2026-03-01T12:01:00Z") == parse_time("2026-03-01T11:00:00Z"));
}

TEST_CASE("missed run: what never comes again, or is not due yet, is not missed", "[policy]") {
    CHECK_FALSE(missed("2020-01-01", "2026-03-01T00:00:00Z", "2026-03-09T00:00:00Z"));
    CHECK_FALSE(missed("Sat 03:00", "2026-03-01T00:00:00Z", "2026-03-06T00:00:00Z"));
}

TEST_CASE("missed run: when a run's patience ends is known before", "[policy]") {
    PosixFileSystem files;
    TimeZones zones{files};
    const auto run = [&](const char* calendar) {
        return find_awaited_run(CalendarExpression::parse(calendar, zones), *TimeZone::utc(),
                                *parse_time("2026-03-01T10:05:00Z"));
    };
    REQUIRE(run("hourly"));
    CHECK(run("hourly")->due == parse_time("2026-03-01T11:00:00Z"));
    CHECK(run("hourly")->patience_end == parse_time("2026-03-01T12:00:00Z"));
    CHECK(run("*-*-* 22:00")->patience_end == parse_time("2026-03-02T04:00:00Z"));
    CHECK_FALSE(run("2020-01-01"));
}
