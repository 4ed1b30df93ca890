// What REST can do to points that must stay, and what the log says of who did what.
#include "tests/unit/api/api_fixture.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using api::Method;

namespace {

void open_repository(test::ApiFixture& fixture, std::chrono::seconds minimum_age) {
    const repository::Environment environment{fixture.file_system, fixture.clock, fixture.random,
                                              fixture.log};
    const auto path = fixture.directory.path() / "repository";
    repository::CreateOptions options;
    options.minimum_age = minimum_age;
    repository::Repository::create(environment, path, options);
    fixture.repository = repository::Repository::open(environment, path, {});
}

std::string add_point(test::ApiFixture& fixture) {
    repository::PointDraft draft;
    draft.vm_id = "vm";
    draft.vm_name = "web01";
    return fixture.repository->begin_point(draft)->commit().id;
}

}  // namespace

TEST_CASE("immutability: REST deletes no point before its time", "[api]") {
    test::ApiFixture fixture;
    open_repository(fixture, std::chrono::hours{24});
    const std::string point = "/api/v1/points/" + add_point(fixture);
    CHECK(fixture.send(Method::delete_, point).status == 409);
    CHECK(fixture.send(Method::post, "/api/v1/minimum-age", R"({"minimum_age_seconds": 3600})")
              .status == 409);
    CHECK(fixture.send(Method::post, "/api/v1/minimum-age", R"({"minimum_age_seconds": 172800})")
              .status == 200);
    fixture.clock.advance(std::chrono::hours{25});
    CHECK(fixture.send(Method::delete_, point).status == 409);
    fixture.clock.advance(std::chrono::hours{24});
    CHECK(fixture.send(Method::post, point + "/hold", R"({"reason": "trial"})").status == 200);
    CHECK(fixture.send(Method::delete_, point).status == 409);
    CHECK(fixture.send(Method::post, point + "/release").status == 200);
    CHECK(fixture.send(Method::delete_, point).status == 204);
}

TEST_CASE("immutability: who held, released or protected a point stands in the log", "[api]") {
    test::ApiFixture fixture;
    open_repository(fixture, std::chrono::seconds{0});
    const std::string id = add_point(fixture);
    const std::string point = "/api/v1/points/" + id;
    fixture.send(Method::post, point + "/hold", R"({"reason": "trial"})");
    fixture.send(Method::post, point + "/release");
    fixture.send(Method::post, point + "/protect", R"({"until": "2026-04-01T00:00:00Z"})");
    CHECK(fixture.log.has("point held point=" + id + " reason=trial by=tester"));
    CHECK(fixture.log.has("point released point=" + id + " was_held_for=trial by=tester"));
    CHECK(fixture.log.has("point protected point=" + id +
                          " until=2026-04-01T00:00:00.000Z by=tester"));
}

TEST_CASE("immutability: the clock is shown, and confirmed by an administrator alone", "[api]") {
    test::ApiFixture fixture;
    open_repository(fixture, std::chrono::hours{24});
    const Json clock = fixture.send_json(Method::get, "/api/v1/clock", Json::object());
    CHECK(clock.at("frozen").is_null());
    CHECK(clock.at("minimum_age_seconds") == 86'400);
    const Json seen{{"clock", clock.at("clock")}};
    CHECK(
        fixture
            .send(Method::post, "/api/v1/clock/confirm", dump_json(seen), api::Privilege::operator_)
            .status == 403);
    CHECK(fixture.send(Method::post, "/api/v1/clock/confirm", dump_json(seen)).status == 200);
    CHECK(
        fixture.send(Method::post, "/api/v1/clock/confirm", R"({"clock": "2031-01-01T00:00:00Z"})")
            .status == 409);
    const Json info = fixture.send_json(Method::get, "/api/v1/info", Json::object());
    CHECK(info.at("minimum_age_seconds") == 86'400);
    CHECK(info.at("deletion_frozen").is_null());
}
