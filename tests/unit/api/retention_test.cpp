// What-if of retention over REST: the rule's verdict on points that are there, and nothing changes.
#include "tests/unit/api/api_fixture.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using api::Method;

namespace {

constexpr const char* kRetentionPreview = "/api/v1/retention/preview";

class Points {
public:
    Points() {
        const repository::Environment environment{fixture.file_system, fixture.clock,
                                                  fixture.random, fixture.log};
        const auto path = fixture.directory.path() / "repository";
        repository::Repository::create(environment, path, {});
        fixture.repository = repository::Repository::open(environment, path, {});
    }

    std::string add(const std::string& vm_id = "vm-1") {
        repository::PointDraft draft;
        draft.vm_id = vm_id;
        draft.vm_name = "web01";
        const std::string id = fixture.repository->begin_point(draft)->commit().id;
        fixture.clock.advance(std::chrono::hours{12});
        return id;
    }

    Json preview(const Json& rule, const std::string& vm = "web01") {
        return fixture.send_json(Method::post, kRetentionPreview, {{"vm", vm}, {"rule", rule}});
    }

    test::ApiFixture fixture;
};

}  // namespace

TEST_CASE("retention preview: says what is kept, why, and what would go; nothing changes",
          "[api]") {
    Points points;
    const std::string held = points.add();
    const std::string old = points.add();
    const std::string newest = points.add();
    points.fixture.repository->hold_point(held, "trial");

    const Json plan = points.preview({{"keep_last", 1}});

    CHECK(plan.at("removed") == Json::array({old}));
    REQUIRE(plan.at("kept").size() == 2);
    CHECK(plan.at("kept").at(0) == Json{{"point", held}, {"because", {"protected"}}});
    CHECK(plan.at("kept").at(1) ==
          Json{{"point", newest}, {"because", {"last 1", "newest undamaged"}}});
    CHECK(plan.at("time_zone") == points.fixture.config.time_zone);
    CHECK(points.fixture.repository->list_points({}).size() == 3);
}

TEST_CASE("retention preview: a rule that keeps nothing, or a VM of two, is refused with a cure",
          "[api]") {
    Points points;
    points.add("vm-1");
    points.add("vm-2");
    const auto status = [&](const Json& body) {
        return points.fixture.send(Method::post, kRetentionPreview, dump_json(body)).status;
    };
    CHECK(status({{"vm", "web01"}, {"rule", {{"keep_last", 0}}}}) == 400);
    CHECK(status({{"vm", "web01"}, {"rule", {{"keep_lost", 1}}}}) >= 400);
    const Json problem = points.preview({{"keep_last", 1}});
    CHECK(problem.at("status") == 409);
    CHECK(problem.at("hint").get<std::string>().find("GUID") != std::string::npos);
    CHECK(points.preview({{"keep_last", 1}}, "vm-2").at("kept").size() == 1);
}

TEST_CASE("retention preview: a VM without points has nothing to keep", "[api]") {
    Points points;
    const Json plan = points.preview({{"keep_daily", 7}}, "nobody");
    CHECK(plan.at("kept").empty());
    CHECK(plan.at("removed").empty());
}
