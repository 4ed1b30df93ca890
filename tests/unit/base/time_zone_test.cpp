// Zones: known moments, rules beyond the table, and files that are no zone files.
#include "base/time_zone.h"

#include "base/error.h"

#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <time.h>

using namespace entrepot;
using namespace std::chrono;

namespace {

PosixFileSystem files;

sys_seconds at(const std::string& text) {
    return floor<seconds>(*parse_time(text));
}

}  // namespace

TEST_CASE("time zone: offsets of now, of long ago, and beyond the table", "[base]") {
    TimeZones zones{files};
    const auto berlin = zones.get("Europe/Berlin");
    CHECK(berlin->offset_at(at("2026-01-01T00:00:00Z")) == 1h);
    CHECK(berlin->offset_at(at("2026-03-29T00:59:59Z")) == 1h);
    CHECK(berlin->offset_at(at("2026-03-29T01:00:00Z")) == 2h);
    CHECK(berlin->offset_at(at("2026-10-25T00:59:59Z")) == 2h);
    CHECK(berlin->offset_at(at("2026-10-25T01:00:00Z")) == 1h);
    CHECK(berlin->offset_at(at("1990-07-15T12:00:00Z")) == 2h);
    CHECK(berlin->offset_at(at("2150-07-01T00:00:00Z")) == 2h);
    CHECK(berlin->offset_at(at("1947-06-01T00:00:00Z")) == 3h);
    CHECK(zones.get("Asia/Kolkata")->offset_at(at("2026-01-01T00:00:00Z")) == 5h + 30min);
    CHECK(zones.get("Asia/Kathmandu")->offset_at(at("2026-01-15T12:00:00Z")) == 345min);
    CHECK(zones.get("Australia/Sydney")->offset_at(at("2026-01-01T00:00:00Z")) == 11h);
    CHECK(zones.get("Australia/Sydney")->offset_at(at("2040-01-15T12:00:00Z")) == 11h);
    CHECK(zones.get("Australia/Sydney")->offset_at(at("2040-07-15T12:00:00Z")) == 10h);
    CHECK(zones.get("UTC")->offset_at(at("2026-01-01T00:00:00Z")) == 0h);
}

TEST_CASE("time zone: offsets equal the C library's", "[base]") {
    TimeZones zones{files};
    const std::string before = ::getenv("TZ") != nullptr ? ::getenv("TZ") : "";
    for (const std::string name :
         {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo",
          "Africa/Casablanca", "Pacific/Apia", "Asia/Tehran", "Europe/Dublin", "America/Nuuk"}) {
        ::setenv("TZ", name.c_str(), 1);
        ::tzset();
        const auto zone = zones.get(name);
        for (std::int64_t time = -1'000'000'000; time < 4'000'000'000; time += 1'234'567) {
            const time_t moment = time;
            struct tm local {};
            ::localtime_r(&moment, &local);
            CAPTURE(name, time);
            REQUIRE(zone->offset_at(sys_seconds{seconds{time}}).count() == local.tm_gmtoff);
        }
    }
    before.empty() ? ::unsetenv("TZ") : ::setenv("TZ", before.c_str(), 1);
    ::tzset();
}

TEST_CASE("time zone: the first moment that shows a local time", "[base]") {
    TimeZones zones{files};
    const auto berlin = zones.get("Europe/Berlin");
    const auto local = [](const std::string& text) {
        return LocalSeconds{at(text).time_since_epoch()};
    };
    CHECK(berlin->first_showing(local("2026-07-01T12:00:00Z")) == at("2026-07-01T10:00:00Z"));
    CHECK(berlin->first_showing(local("2026-03-29T02:30:00Z")) == at("2026-03-29T01:00:00Z"));
    CHECK(berlin->first_showing(local("2026-03-29T03:00:00Z")) == at("2026-03-29T01:00:00Z"));
    CHECK(berlin->first_showing(local("2026-10-25T02:30:00Z")) == at("2026-10-25T00:30:00Z"));
    CHECK(berlin->first_showing(local("2026-10-25T03:00:00Z")) == at("2026-10-25T02:00:00Z"));
}

TEST_CASE("time zone: rules in POSIX notation", "[base]") {
    const auto berlin = ZoneRule::parse("CET-1CEST,M3.5.0,M10.5.0/3");
    REQUIRE(berlin);
    CHECK(berlin->transitions_of(year{2026})[0].at ==
          at("2026-03-29T01:00:00Z").time_since_epoch().count());
    CHECK(berlin->transitions_of(year{2026})[1].at ==
          at("2026-10-25T01:00:00Z").time_since_epoch().count());
    const auto julian = ZoneRule::parse("AAA3BBB,J60/0,300/-1:30:10");
    REQUIRE(julian);
    CHECK(julian->transitions_of(year{2028})[0].at ==
          at("2028-03-01T03:00:00Z").time_since_epoch().count());
    CHECK(ZoneRule::parse("<+0330>-3:30")->standard_offset_seconds() == 12'600);
    for (const std::string text :
         {"", "C", "CET", "CET-99", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
          "CET-1CEST,M3.5.0,M10.5.0/3x", "<AB>1", "CET-1CEST,M3.0.0,M10.5.0", "CET-1CEST,J0,J2"}) {
        CAPTURE(text);
        CHECK(!ZoneRule::parse(text));
    }
}

TEST_CASE("time zone: a name cannot leave the directory, a file must be a zone file", "[base]") {
    const test::TemporaryDirectory directory;
    files.make_directories(directory.path() / "zones" / "Area");
    files.create(directory.path() / "zones" / "Bad")->write(0, as_bytes("TZif2 but no more"));
    files.create(directory.path() / "outside")->write(0, as_bytes("x"));
    TimeZones zones{files, directory.path() / "zones"};
    for (const std::string name : {"", "../outside", "/etc/passwd", "Area", "Nowhere", "a\nb"}) {
        CAPTURE(name);
        CHECK(zones.find(name) == nullptr);
        CHECK_THROWS_AS(zones.get(name), Error);
    }
    CHECK_THROWS_AS(zones.find("Bad"), Error);
    CHECK(zones.get("UTC")->name() == "UTC");
}

TEST_CASE("time zone: cut and changed files never do worse than an error", "[base]") {
    const Bytes whole = files.read_file("/usr/share/zoneinfo/Europe/Berlin", 64 * kKiB);
    CHECK_NOTHROW(TimeZone::parse("x", whole));
    for (std::size_t length = 0; length < whole.size(); length += 7) {
        CHECK_THROWS_AS(TimeZone::parse("x", ByteView{whole}.first(length)), Error);
    }
    for (std::size_t i = 0; i < whole.size(); ++i) {
        Bytes changed = whole;
        changed[i] ^= std::byte{0xff};
        try {
            TimeZone::parse("x", changed)->offset_at(at("2026-01-01T00:00:00Z"));
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::corrupt);
        }
    }
}
