// Speeds: as configured, as somebody said since, and again after a restart.
#include "appliance/state/speed_limits.h"

#include "base/bytes.h"

#include "tests/support/state_fixture.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using state::SpeedKind;
using test::code_of;

namespace {

struct Fixture : test::StateFixture {
    state::SpeedLimits make() { return {clock, state->settings, {200, 0, 1000}}; }
};

std::uint64_t rate_of(state::SpeedLimits& speeds, SpeedKind kind) {
    return speeds.limit_of(kind).bytes_per_second();
}

}  // namespace

TEST_CASE("speed limits: as configured until somebody says otherwise, then over a restart",
          "[state]") {
    Fixture fixture;
    {
        auto speeds = fixture.make();
        CHECK(rate_of(speeds, SpeedKind::ingest) == 200 * kMiB);
        CHECK(rate_of(speeds, SpeedKind::verify) == 0);
        CHECK_FALSE(speeds.find_said(SpeedKind::ingest));
        speeds.say(SpeedKind::ingest, 50);
        speeds.say(SpeedKind::verify, 0);
        CHECK(rate_of(speeds, SpeedKind::ingest) == 50 * kMiB);
    }
    fixture.reopen();
    auto speeds = fixture.make();
    CHECK(rate_of(speeds, SpeedKind::ingest) == 50 * kMiB);
    CHECK(speeds.find_said(SpeedKind::verify) == 0);
    CHECK(speeds.configured(SpeedKind::ingest) == 200);
    speeds.say(SpeedKind::ingest, std::nullopt);
    CHECK(rate_of(speeds, SpeedKind::ingest) == 200 * kMiB);
    CHECK_FALSE(speeds.find_said(SpeedKind::ingest));
}

TEST_CASE("speed limits: what is beyond the bounds is refused, or ignored if it is stored",
          "[state]") {
    Fixture fixture;
    auto speeds = fixture.make();
    CHECK(code_of([&] { speeds.say(SpeedKind::ingest, 1001); }) == ErrorCode::invalid);
    CHECK(rate_of(speeds, SpeedKind::ingest) == 200 * kMiB);
    for (const Json& stored : {Json(1001), Json("fast"), Json(-1), Json(nullptr)}) {
        INFO(dump_json(stored));
        fixture.state->settings.put("said.repository.ingest_mib_per_second", stored);
        auto again = fixture.make();
        CHECK(rate_of(again, SpeedKind::ingest) == 200 * kMiB);
    }
}
