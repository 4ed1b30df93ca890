// One sample a day, made anew each hour; nothing while the repository is locked.
#include "appliance/growth/growth_keeper.h"

#include "tests/support/state_fixture.h"
#include "tests/unit/backup/memory_repository.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using namespace std::chrono_literals;

namespace {

struct GrowthFixture : test::StateFixture {
    NullLog log;
    test::MemoryRepository repository{clock};
    bool is_locked = false;
    growth::GrowthKeeper keeper{
        clock,
        log,
        *state,
        directory.path(),
        [this]() -> repository::Repository* { return is_locked ? nullptr : &repository; },
        {}};

    std::vector<state::GrowthSample> samples() { return state->growth.list_since({}); }
};

}  // namespace

TEST_CASE("growth keeper: a day has one sample, the last that was taken", "[growth]") {
    GrowthFixture fixture;
    CHECK(fixture.keeper.run_once());
    CHECK_FALSE(fixture.keeper.run_once());
    fixture.clock.advance(2h);
    CHECK(fixture.keeper.run_once());
    REQUIRE(fixture.samples().size() == 1);
    CHECK(fixture.samples().front().time == fixture.clock.wall_now());
    CHECK(fixture.samples().front().capacity_bytes > std::uint64_t{0});
    fixture.clock.advance(24h);
    CHECK(fixture.keeper.run_once());
    CHECK(fixture.samples().size() == 2);
}

TEST_CASE("growth keeper: a locked repository has no size", "[growth]") {
    GrowthFixture fixture;
    fixture.is_locked = true;
    CHECK_FALSE(fixture.keeper.run_once());
    CHECK(fixture.samples().empty());
}

TEST_CASE("growth store: survives a restart, knows what is not known, and has an end", "[growth]") {
    GrowthFixture fixture;
    const WallTime begin = fixture.clock.wall_now();
    const state::GrowthSample blind{
        .time = begin, .stored_bytes = 7, .logical_bytes = 9, .points = 1};
    fixture.state->growth.put(blind);
    fixture.reopen();
    CHECK(fixture.samples() == std::vector{blind});
    for (std::size_t day = 1; day <= state::kGrowthDaysMax; ++day)
        fixture.state->growth.put({.time = begin + std::chrono::days{day}});
    CHECK(fixture.samples().size() == state::kGrowthDaysMax);
    CHECK(fixture.samples().front().time == begin + std::chrono::days{1});
}
