// Calendar expressions: what people write, what they must not, and when it comes.
#include "appliance/policy/calendar.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <tuple>

using namespace entrepot;
using namespace entrepot::policy;

namespace {

PosixFileSystem files;

std::string next(TimeZones& zones, const std::string& text, const std::string& after,
                 const std::string& zone = "UTC") {
    const auto expression = CalendarExpression::parse(text, zones);
    const auto found = expression.next_after(*parse_time(after), *zones.get(zone));
    return found ? format_time(*found) : "never";
}

}  // namespace

TEST_CASE("calendar: the next moment, strictly later", "[policy]") {
    using Row = std::tuple<std::string, std::string, std::string>;
    const auto [text, after, expected] = GENERATE(values<Row>({
        {"daily", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00.000Z"},
        {"daily", "2026-02-28T23:59:59.999Z", "2026-03-01T00:00:00.000Z"},
        {"hourly", "2026-03-01T10:00:00.001Z", "2026-03-01T11:00:00.000Z"},
        {"minutely", "2026-12-31T23:59:00Z", "2027-01-01T00:00:00.000Z"},
        {"weekly", "2026-03-01T10:00:00Z", "2026-03-02T00:00:00.000Z"},
        {"monthly", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00.000Z"},
        {"quarterly", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00.000Z"},
        {"semiannually", "2026-03-01T00:00:00Z", "2026-07-01T00:00:00.000Z"},
        {"YEARLY", "2026-03-01T00:00:00Z", "2027-01-01T00:00:00.000Z"},
        {"Mon..Fri 22:00", "2026-03-06T22:00:00Z", "2026-03-09T22:00:00.000Z"},
        {"sat,Sunday 03:30:15", "2026-03-06T22:00:00Z", "2026-03-07T03:30:15.000Z"},
        {"Mon", "2026-03-06T22:00:00Z", "2026-03-09T00:00:00.000Z"},
        {"*-*-* 0/6:15", "2026-03-01T06:15:00Z", "2026-03-01T12:15:00.000Z"},
        {"8..18/2:00", "2026-03-01T18:00:00Z", "2026-03-02T08:00:00.000Z"},
        {"*:0/15", "2026-03-01T10:50:00Z", "2026-03-01T11:00:00.000Z"},
        {"*-*~1 23:00", "2028-02-10T00:00:00Z", "2028-02-29T23:00:00.000Z"},
        {"*-02~03/1", "2026-02-27T00:00:00Z", "2026-02-28T00:00:00.000Z"},
        {"*-*~6..13/6", "2024-02-17T00:00:00Z", "2024-02-18T00:00:00.000Z"},
        {"*-2-29", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00.000Z"},
        {"Mon *-2-29", "2026-03-01T00:00:00Z", "2044-02-29T00:00:00.000Z"},
        {"*-2-30", "2026-03-01T00:00:00Z", "never"},
        {"2025-1-1", "2026-03-01T00:00:00Z", "never"},
        {"26-12-24 18:00", "2026-03-01T00:00:00Z", "2026-12-24T18:00:00.000Z"},
        {"2026..2028-3,6-1,15", "2026-03-01T00:00:00Z", "2026-03-15T00:00:00.000Z"},
        {"*-*-1 03:30 Europe/Berlin", "2026-06-10T00:00:00Z", "2026-07-01T01:30:00.000Z"},
        {"daily utc", "2026-06-10T00:00:00Z", "2026-06-11T00:00:00.000Z"},
    }));
    TimeZones zones{files};
    CAPTURE(text);
    CHECK(next(zones, text, after) == expected);
}

TEST_CASE("calendar: what is wrong is refused", "[policy]") {
    TimeZones zones{files};
    const std::string text = GENERATE(values<std::string>({"",
                                                           " ",
                                                           "*",
                                                           "30",
                                                           "*:*/15",
                                                           "*-*-* 12",
                                                           "Sat..Mon",
                                                           "Mon,",
                                                           "Mon Tue 10:00",
                                                           "Noday 10:00",
                                                           "10:60",
                                                           "24:00",
                                                           "10:00:00.5",
                                                           "*-13-1",
                                                           "*-*-32",
                                                           "*-*~31",
                                                           "0/0:00",
                                                           "0/100:00",
                                                           "5..3:00",
                                                           "10:00  ",
                                                           " 10:00",
                                                           "-1:00",
                                                           "10:00 Mars/Olympus",
                                                           "10:00 ../../etc/passwd",
                                                           "1:2:3:4",
                                                           "*-*-*-*",
                                                           "99999999999:00",
                                                           "@1234567890",
                                                           "*~*-1",
                                                           "*-1~"}));
    CAPTURE(text);
    try {
        CalendarExpression::parse(text, zones);
        FAIL("it was accepted");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::invalid);
    }
    CHECK_THROWS_AS(CalendarExpression::parse(std::string(1'000, '1'), zones), Error);
}

TEST_CASE("calendar: a local time that clocks skip runs when the gap is over", "[policy]") {
    TimeZones zones{files};
    // Berlin goes from 02:00 to 03:00 on 29 March 2026, at 01:00 UTC.
    CHECK(next(zones, "02:30", "2026-03-28T12:00:00Z", "Europe/Berlin") ==
          "2026-03-29T01:00:00.000Z");
    CHECK(next(zones, "02:30", "2026-03-29T01:00:00Z", "Europe/Berlin") ==
          "2026-03-30T00:30:00.000Z");
    // Samoa had no 30 December 2011 at all.
    CHECK(next(zones, "2011-12-30 12:00", "2011-12-29T00:00:00Z", "Pacific/Apia") ==
          "2011-12-30T10:00:00.000Z");
}

TEST_CASE("calendar: a local time that comes twice runs once", "[policy]") {
    TimeZones zones{files};
    // Berlin goes from 03:00 back to 02:00 on 25 October 2026, at 01:00 UTC.
    CHECK(next(zones, "02:30", "2026-10-24T12:00:00Z", "Europe/Berlin") ==
          "2026-10-25T00:30:00.000Z");
    CHECK(next(zones, "02:30", "2026-10-25T00:30:00Z", "Europe/Berlin") ==
          "2026-10-26T01:30:00.000Z");
    CHECK(next(zones, "02:30", "2026-10-25T01:10:00Z", "Europe/Berlin") ==
          "2026-10-26T01:30:00.000Z");
    CHECK(next(zones, "hourly", "2026-10-25T00:00:00Z", "Europe/Berlin") ==
          "2026-10-25T02:00:00.000Z");
}

TEST_CASE("calendar: a list is ascending and as long as it can be", "[policy]") {
    TimeZones zones{files};
    const auto expression = CalendarExpression::parse("2026-12-30..31 12:00", zones);
    const auto moments =
        expression.list_after(*parse_time("2026-01-01T00:00:00Z"), *zones.get("UTC"), 5);
    REQUIRE(moments.size() == 2);
    CHECK(format_time(moments[1]) == "2026-12-31T12:00:00.000Z");
    CHECK(expression.text() == "2026-12-30..31 12:00");
}
