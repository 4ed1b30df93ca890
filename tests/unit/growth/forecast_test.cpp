// When the space runs out: by the median of what the days gained, and honest where that is not
// known.
#include "appliance/growth/forecast.h"

#include "base/bytes.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using state::GrowthSample;
using std::chrono::days;

namespace {

constexpr std::uint64_t kCapacity = 1000 * kGiB;
const WallTime kBegin = *parse_time("2026-03-01T12:00:00Z");

std::vector<GrowthSample> samples_of(const std::vector<std::uint64_t>& used_gib) {
    std::vector<GrowthSample> samples;
    for (std::size_t day = 0; day < used_gib.size(); ++day) {
        samples.push_back({.time = kBegin + days{day},
                           .stored_bytes = used_gib[day] * kGiB,
                           .free_bytes = kCapacity - used_gib[day] * kGiB,
                           .capacity_bytes = kCapacity});
    }
    return samples;
}

}  // namespace

TEST_CASE("forecast: steady growth is full when the free bytes are used up", "[growth]") {
    const auto forecast = growth::forecast(samples_of({500, 510, 520, 530, 540, 550}));
    CHECK(forecast.bytes_per_day == std::int64_t{10 * kGiB});
    CHECK(forecast.full_at == kBegin + days{5} + days{45});
    CHECK(forecast.based_on_days == 5);
    CHECK(forecast.reason.empty());
}

TEST_CASE("forecast: a day of first fulls, or of a clean-up, does not decide", "[growth]") {
    const auto jump = growth::forecast(samples_of({100, 102, 104, 404, 406, 408, 410, 412}));
    CHECK(jump.bytes_per_day < std::int64_t{60 * kGiB});
    const auto drop = growth::forecast(
        samples_of({500, 510, 520, 530, 540, 550, 560, 570, 580, 590, 600, 540, 550, 560}));
    REQUIRE(drop.bytes_per_day);
    CHECK(*drop.bytes_per_day > std::int64_t{3 * kGiB});
}

TEST_CASE("forecast: only the last thirty days count", "[growth]") {
    std::vector<std::uint64_t> used;
    for (std::uint64_t day = 0; day < 60; ++day)
        used.push_back(day < 29 ? 10 * day : 300);
    const auto forecast = growth::forecast(samples_of(used));
    CHECK(forecast.bytes_per_day == 0);
    CHECK_FALSE(forecast.full_at);
}

TEST_CASE("forecast: what shrinks, or fills up beyond ten years, is never full", "[growth]") {
    CHECK_FALSE(growth::forecast(samples_of({540, 530, 520, 510})).full_at);
    auto slow = samples_of({500, 500, 500, 500, 500});
    for (std::size_t day = 0; day < slow.size(); ++day)
        *slow[day].free_bytes -= day * kMiB;
    const auto forecast = growth::forecast(slow);
    CHECK(forecast.bytes_per_day == std::int64_t{kMiB});
    CHECK_FALSE(forecast.full_at);
}

TEST_CASE("forecast: too short a record, or none, says so", "[growth]") {
    CHECK_FALSE(growth::forecast({}).reason.empty());
    const auto two_days = growth::forecast(samples_of({500, 510, 520}));
    CHECK_FALSE(two_days.bytes_per_day);
    CHECK(two_days.reason == "a forecast needs 3 days of record, and there are 2");
    auto silent = samples_of({500, 510, 520, 530});
    for (auto& sample : silent)
        sample.free_bytes.reset();
    CHECK(growth::forecast(silent).reason == "the file system does not say how much is free");
}

TEST_CASE("forecast: samples of one moment are survived", "[growth]") {
    auto samples = samples_of({500, 510, 520, 530, 540});
    samples.push_back(samples.back());
    CHECK(growth::forecast(samples).bytes_per_day == std::int64_t{10 * kGiB});
}
