// The OpenAPI document is what the server obeys: each operation with each role.
#include "tests/unit/api/api_fixture.h"

#include <catch2/catch.hpp>

#include <set>

using namespace entrepot;
using access::Privilege;

namespace {

constexpr std::array kRoles{Privilege::none, Privilege::viewer, Privilege::restore_operator,
                            Privilege::operator_, Privilege::administrator};

std::string name_of(const api::Operation& operation) {
    return std::string{to_string(operation.method)} + " " + operation.pattern;
}

// The operations with handlers that only say that they ran.
class Matrix {
public:
    Matrix() : contract(api::openapi_document()), router(log, contract) {
        for (const auto& operation : contract.operations()) {
            router.add(operation.id,
                       [](const api::Request&) { return api::Response::no_content(); });
        }
    }

    api::Response ask(const api::Operation& operation, Privilege role, bool is_confirmed) const {
        api::Request request;
        request.method = operation.method;
        request.path = operation.pattern;
        request.user.privilege = role;
        request.user.is_confirmed = is_confirmed;
        return router.dispatch(request);
    }

    NullLog log;
    api::Contract contract;
    api::Router router;
};

}  // namespace

TEST_CASE("contract: every operation has a handler, and nothing else can have one (F-WB-07)",
          "[api]") {
    test::ApiFixture fixture;
    CHECK(fixture.router.missing().empty());
    CHECK(fixture.contract.operations().size() > 70);
}

TEST_CASE("contract: every operation with every role, as the document says (F-WB-07)", "[api]") {
    const Matrix matrix;
    std::size_t allowed_count = 0;
    std::size_t refused_count = 0;
    for (const auto& operation : matrix.contract.operations()) {
        for (const Privilege role : kRoles) {
            INFO(name_of(operation) << " as " << to_string(role));
            const int status = matrix.ask(operation, role, true).status;
            const bool is_allowed = role >= operation.privilege;
            ++(is_allowed ? allowed_count : refused_count);
            // Some want a body, which comes after the privilege.
            if (is_allowed) {
                CHECK((status == 204 || status == 400));
            } else {
                CHECK(status == (role == Privilege::none ? 401 : 403));
            }
            const int unconfirmed = matrix.ask(operation, role, false).status;
            CHECK(unconfirmed == (is_allowed && operation.needs_confirmation ? 403 : status));
        }
    }
    CHECK(allowed_count + refused_count == matrix.contract.operations().size() * kRoles.size());
    CHECK(refused_count > 100);
}

TEST_CASE("contract: without signing in only what the interfaces list answers (F-WB-07)", "[api]") {
    const api::Contract contract{api::openapi_document()};
    std::set<std::string> open;
    for (const auto& operation : contract.operations()) {
        if (operation.privilege == Privilege::none) open.insert(name_of(operation));
    }
    CHECK(open == std::set<std::string>{"GET /api/v1/openapi.json", "GET /healthz", "GET /readyz",
                                        "POST /api/v1/session", "POST /api/v1/setup",
                                        "POST /api/v1/setup/look"});
}

TEST_CASE("contract: a viewer changes nothing but the own session, password and tokens", "[api]") {
    const api::Contract contract{api::openapi_document()};
    std::set<std::string> changing;
    for (const auto& operation : contract.operations()) {
        const bool is_for_viewers = operation.privilege == Privilege::viewer;
        if (is_for_viewers && operation.method != api::Method::get) changing.insert(operation.id);
    }
    CHECK(changing == std::set<std::string>{"addToken", "changePassword", "confirmSession",
                                            "deleteSession", "endSession", "previewPolicy",
                                            "previewRetention", "revokeToken"});
}

TEST_CASE("contract: what destroys or reveals asks for the password and is audited", "[api]") {
    const api::Contract contract{api::openapi_document()};
    std::set<std::string> confirmed;
    for (const auto& operation : contract.operations()) {
        if (!operation.needs_confirmation) continue;
        CHECK(operation.is_audited);
        confirmed.insert(operation.id);
    }
    for (const std::string id :
         {"deletePoint", "releasePoint", "startPrune", "addKey", "changeKey", "revokeKey",
          "issueShareCredentials", "removeHost", "removePolicy", "removeShare", "addUser",
          "changeUser", "removeUser", "makeUserLink", "addToken", "confirmClock"}) {
        CHECK(confirmed.contains(id));
    }
}

TEST_CASE("contract: what starts jobs says which, and can be sent again with a key (F-WB-22)",
          "[api]") {
    const api::Contract contract{api::openapi_document()};
    std::set<std::string> without_kind;
    std::set<std::string> without_key;
    for (const auto& [path, item] : contract.document().at("paths").items()) {
        for (const auto& [method, source] : item.items()) {
            if (!source.is_object() || !source.at("responses").contains("202")) continue;
            const std::string id = source.at("operationId");
            if (source.value("x-job-kind", "").empty()) without_kind.insert(id);
            const Json parameters = source.value("parameters", Json::array());
            const Json once{{"$ref", "#/components/parameters/once"}};
            if (std::find(parameters.begin(), parameters.end(), once) == parameters.end()) {
                without_key.insert(id);
            }
        }
    }
    CHECK(without_kind == std::set<std::string>{"cancelJob", "retryJob", "runPolicy"});
    CHECK(without_key == std::set<std::string>{"cancelJob"});
    std::set<std::string> kinds;
    for (const auto& operation : contract.operations()) {
        if (operation.job_kind.empty()) continue;
        CHECK(kinds.insert(operation.job_kind).second);
        CHECK(contract.find_by_job_kind(operation.job_kind) == &operation);
    }
    CHECK(contract.find_by_job_kind("") == nullptr);
}

TEST_CASE("contract: every other route refuses a stranger before its handler runs", "[api]") {
    test::ApiFixture fixture;
    for (const auto& operation : fixture.contract.operations()) {
        if (operation.privilege == Privilege::none) continue;
        INFO(operation.pattern);
        const auto response =
            fixture.send(operation.method, operation.pattern, "not json", Privilege::none);
        CHECK(response.status == 401);
    }
    CHECK(fixture.access.audit.list({}).empty());
}
