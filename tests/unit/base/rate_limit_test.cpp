// Bytes go by at the rate that was asked for, on a clock that moves when somebody sleeps.
#include "base/rate_limit.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using namespace std::chrono_literals;

namespace {

std::chrono::milliseconds since(ManualClock& clock, SteadyTime begin) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock.steady_now() - begin);
}

}  // namespace

TEST_CASE("rate limit: so many bytes take so long, in pieces of any size", "[rate]") {
    ManualClock clock{WallTime{}};
    const auto begin = clock.steady_now();
    RateLimit limit{clock, 1'000'000};
    const std::uint64_t piece = GENERATE(100ULL, 12'345ULL, 4'000'000ULL);
    std::uint64_t done = 0;
    for (; done < 20'000'000; done += piece)
        limit.take(piece, {});
    const auto expected = std::chrono::milliseconds{done / 1000};
    CHECK(since(clock, begin) >= expected - 10ms);
    CHECK(since(clock, begin) <= expected + 10ms);
}

TEST_CASE("rate limit: what was not taken is not saved up", "[rate]") {
    ManualClock clock{WallTime{}};
    RateLimit limit{clock, 1000};
    limit.take(1000, {});
    clock.advance(1h);
    const auto begin = clock.steady_now();
    limit.take(5000, {});
    CHECK(since(clock, begin) == 5000ms);
}

TEST_CASE("rate limit: another rate holds for what goes by from then on", "[rate]") {
    ManualClock clock{WallTime{}};
    RateLimit limit{clock, 0};
    auto begin = clock.steady_now();
    limit.take(1'000'000, {});
    CHECK(since(clock, begin) == 0ms);
    limit.set_bytes_per_second(1000);
    CHECK(limit.bytes_per_second() == 1000);
    limit.take(2000, {});
    CHECK(since(clock, begin) == 2000ms);
    limit.set_bytes_per_second(0);
    begin = clock.steady_now();
    limit.take(1'000'000, {});
    CHECK(since(clock, begin) == 0ms);
}

TEST_CASE("rate limit: the slower of two bounds counts, and zero is none", "[rate]") {
    ManualClock clock{WallTime{}};
    RateLimit outer{clock, 500};
    RateLimit inner{clock, 2000, &outer};
    RateLimit other{clock, 0, &outer};
    RateLimit unbounded{clock, 0};
    const auto begin = clock.steady_now();
    unbounded.take(1'000'000'000, {});
    CHECK(since(clock, begin) == 0ms);
    inner.take(1000, {});
    other.take(1000, {});
    CHECK(since(clock, begin) >= 4000ms);
    CHECK(since(clock, begin) <= 4500ms);
}
