// Restores of whole VMs: what comes in is decoded strictly, and becomes a preflight or a job.
#include "tests/unit/api/api_fixture.h"
#include "tests/unit/backup/memory_repository.h"

#include "appliance/restore/restore_request.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using api::Method;

namespace {

constexpr const char* kStart = "/api/v1/restores/vm";
constexpr const char* kPreflight = "/api/v1/restores/vm/preflight";

/// A repository with one point, one host, and what a preflight was asked.
struct Fixture : test::ApiFixture {
    Fixture() : stored(clock) {
        repository::PointDraft draft;
        draft.vm_id = "0A5E4C1E-5A0B-4D6C-9C51-0D1B6F0C0001";
        draft.vm_name = "web01";
        point = stored.begin_point(draft)->commit().id;
        services.repository = [this]() -> repository::Repository& { return stored; };
        services.check_vm_restore = [this](const Json& parameters, std::stop_token) {
            asked = parameters;
            return Json{{"can_start", true}};
        };
        engine.register_handler("restore_vm", [](jobs::JobContext&) { return jobs::JobOutcome{}; });
        state::HostDraft host;
        host.name = "hv02";
        host.url = "https://hv02:5986/wsman";
        host.authentication = "ntlm";
        host_id = state.hosts.add(host).id;
    }

    Json body() const {
        return {{"point", point}, {"host", "hv02"}, {"to", "\\\\appliance\\exports"}};
    }

    test::MemoryRepository stored;
    std::string point;
    std::string host_id;
    Json asked;
};

}  // namespace

TEST_CASE("vm restores: a request becomes a job with all its parameters", "[api]") {
    Fixture fixture;
    Json body = fixture.body();
    body["name"] = "web01-test";
    body["keep_mac"] = true;
    body["start"] = true;
    body["switches"] = Json::array({{{"from", "LAN"}, {"to", "Lab"}}});
    const auto response = fixture.send(Method::post, kStart, dump_json(body));
    REQUIRE(response.status == 202);
    const Json job = parse_json(response.body, "answer").at("job");
    CHECK(job.at("kind") == "restore_vm");
    CHECK(job.at("subject") == "web01 to hv02");
    const auto request = restore::restore_request_from(job.at("parameters"));
    CHECK(request.point == fixture.point);
    CHECK(request.host == fixture.host_id);
    CHECK(request.to == "\\\\appliance\\exports");
    CHECK(request.name == "web01-test");
    CHECK(request.keeps_mac);
    CHECK(request.starts);
    CHECK_FALSE(request.keeps_id);
    CHECK_FALSE(request.connects);
    REQUIRE(request.switches.size() == 1);
    CHECK(request.switches[0].to == "Lab");
}

TEST_CASE("vm restores: a preflight gets what the job would get, and starts none", "[api]") {
    Fixture fixture;
    Json body = fixture.body();
    body["keep_id"] = true;
    CHECK(fixture.send(Method::post, kPreflight, dump_json(body)).status == 200);
    CHECK(restore::restore_request_from(fixture.asked).keeps_id);
    CHECK(fixture.asked.at("host") == fixture.host_id);
    CHECK(fixture.engine.list({}).jobs.empty());
}

TEST_CASE("vm restores: what is missing, unknown or of another kind is refused", "[api]") {
    Fixture fixture;
    const auto status = [&](const Json& changes) {
        Json body = fixture.body();
        body.merge_patch(changes);
        return fixture.send(Method::post, kStart, dump_json(body)).status;
    };
    CHECK(status({{"to", nullptr}}) == 400);
    CHECK(status({{"host", "nowhere"}}) == 404);
    CHECK(status({{"point", "ffff"}}) == 404);
    CHECK(status({{"keep-id", true}}) == 400);
    CHECK(status({{"switches", {"LAN=Lab"}}}) == 400);
    CHECK(status({{"switches", Json::array({{{"from", "LAN"}}})}}) == 400);
    CHECK(status({{"start", "yes"}}) == 400);
    CHECK(fixture.send(Method::post, kStart, dump_json(fixture.body()), api::Privilege::viewer)
              .status == 403);
    CHECK(fixture.engine.list({}).jobs.empty());
}
