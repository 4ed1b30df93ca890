// The routes and the OpenAPI document say the same.
#include "tests/unit/api/api_fixture.h"

#include "appliance/api/openapi.h"

#include <catch2/catch.hpp>

#include <map>
#include <set>

using namespace entrepot;

namespace {

using Contract = std::map<std::string, std::string>;  // "GET /path" to its privilege.

const std::set<std::string> kMethods{"get", "post", "put", "patch", "delete"};

Contract read_document() {
    Contract contract;
    const Json document = parse_json(api::openapi_document(), "openapi.json");
    for (const auto& [path, operations] : document.at("paths").items()) {
        for (const auto& [method, operation] : operations.items()) {
            if (!kMethods.contains(method)) continue;
            std::string name = method;
            for (char& c : name)
                c = static_cast<char>(std::toupper(c));
            contract[name + " /api/v1" + path] = operation.at("x-privilege").get<std::string>();
        }
    }
    return contract;
}

Contract read_routes(const api::Router& router) {
    Contract contract;
    for (const auto& route : router.routes()) {
        if (!route.pattern.starts_with(api::kApiPrefix)) continue;
        const std::string name = std::string{to_string(route.method)} + " " + route.pattern;
        contract[name] = to_string(route.privilege);
    }
    return contract;
}

}  // namespace

TEST_CASE("contract: routes and document name the same operations with the same privilege",
          "[api]") {
    test::ApiFixture fixture;
    const Contract document = read_document();
    const Contract routes = read_routes(fixture.router);

    CHECK(document.size() > 40);
    CHECK(routes == document);
}

TEST_CASE("contract: without a session only what the interfaces list answers", "[api]") {
    test::ApiFixture fixture;
    std::set<std::string> open;
    for (const auto& route : fixture.router.routes()) {
        if (route.privilege != api::Privilege::none) continue;
        open.insert(std::string{to_string(route.method)} + " " + route.pattern);
    }

    CHECK(open == std::set<std::string>{"GET /api/v1/openapi.json", "GET /healthz", "GET /readyz",
                                        "POST /api/v1/session"});
}

TEST_CASE("contract: every other route refuses a stranger before its handler runs", "[api]") {
    test::ApiFixture fixture;
    for (const auto& route : fixture.router.routes()) {
        if (route.privilege == api::Privilege::none) continue;
        INFO(route.pattern);
        const auto response =
            fixture.send(route.method, route.pattern, "not json", api::Privilege::none);
        CHECK(response.status == 401);
    }
}
