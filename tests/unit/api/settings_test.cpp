// The settings over REST: all of them, no secret, and what can be changed while the appliance runs.
#include "tests/unit/api/api_fixture.h"

#include <catch2/catch.hpp>

#include <map>

using namespace entrepot;
using api::Method;

namespace {

constexpr const char* kPath = "/api/v1/settings";
constexpr const char* kIngest = "repository.ingest_mib_per_second";

Json setting_of(const Json& list, const std::string& name) {
    for (const Json& setting : list.at("settings")) {
        if (setting.at("name") == name) return setting;
    }
    FAIL("there is no setting " << name);
    return {};
}

Json change(const Json& value) {
    return {{"changes", Json::array({{{"name", kIngest}, {"value", value}}})}};
}

}  // namespace

TEST_CASE("settings: all are listed, with the file to edit", "[api]") {
    test::ApiFixture fixture;
    const auto response = fixture.send(Method::get, kPath);
    REQUIRE(response.status == 200);
    const Json list = parse_json(response.body, "answer");
    CHECK(list.at("settings").size() > 20);
    CHECK(list.at("file") == "/etc/entrepot/entrepot.toml");
    CHECK(list.at("has_file") == false);
    const Json zone = setting_of(list, "time_zone");
    CHECK(zone.at("value") == "UTC");
    CHECK(zone.at("source") == "default");
    CHECK(zone.at("needs_restart") == true);
    CHECK(setting_of(list, kIngest).at("needs_restart") == false);
    CHECK(fixture.send(Method::get, kPath, {}, api::Privilege::operator_).status == 403);
}

TEST_CASE("settings: a speed holds at once, is told beside what is configured, and taken back",
          "[api]") {
    test::ApiFixture fixture;
    RateLimit& limit = fixture.speed_limits.limit_of(state::SpeedKind::ingest);
    Json setting = setting_of(fixture.send_json(Method::patch, kPath, change(50)), kIngest);
    CHECK(setting.at("value") == "50");
    CHECK(setting.at("configured") == "0");
    CHECK(setting.at("source") == "state");
    CHECK(limit.bytes_per_second() == 50 * kMiB);
    setting = setting_of(fixture.send_json(Method::patch, kPath, change(nullptr)), kIngest);
    CHECK(setting.at("value") == "0");
    CHECK(setting.at("source") == "default");
    CHECK(limit.bytes_per_second() == 0);
    const auto entries = fixture.access.audit.list({});
    REQUIRE(!entries.empty());
    CHECK(entries.front().draft.action == "changeSettings");
}

TEST_CASE("settings: what needs a restart, what is unknown and what is out of bounds is refused",
          "[api]") {
    test::ApiFixture fixture;
    const auto status = [&](const Json& body) {
        return fixture.send(Method::patch, kPath, dump_json(body)).status;
    };
    const auto named = [](const std::string& name) {
        return Json{{"changes", Json::array({{{"name", name}, {"value", 1}}})}};
    };
    CHECK(status(named("jobs.workers")) == 400);
    CHECK(status(named("nonsense")) == 400);
    CHECK(status(change(100'001)) == 400);
    CHECK(status(change(-1)) == 400);
    CHECK(status(change("fast")) == 400);
    CHECK(status({{"changes", Json::array()}}) == 400);
    CHECK(status(Json::object()) == 400);
    // One bad change keeps the good one from being made.
    Json both = change(7);
    both["changes"].push_back({{"name", "jobs.workers"}, {"value", 2}});
    CHECK(status(both) == 400);
    CHECK_FALSE(fixture.speed_limits.find_said(state::SpeedKind::ingest));
    CHECK(fixture.send(Method::patch, kPath, dump_json(change(7)), api::Privilege::operator_)
              .status == 403);
}
