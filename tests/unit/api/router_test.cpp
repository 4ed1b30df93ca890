// Router, decoding, problem documents.
#include "appliance/api/router.h"

#include "appliance/api/decode.h"
#include "appliance/api/paging.h"
#include "appliance/api/problem.h"

#include <catch2/catch.hpp>

#include <stdexcept>

using namespace entrepot;
using namespace entrepot::api;

namespace {

ErrorCode code_of(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.code();
    }
    FAIL("nothing was thrown");
    return ErrorCode::internal;
}

Request make_request(Method method, const std::string& path,
                     Privilege privilege = Privilege::administrator) {
    Request request;
    request.method = method;
    request.path = path;
    request.user.name = "tester";
    request.user.privilege = privilege;
    return request;
}

constexpr std::string_view kDocument = R"({"servers": [{"url": "/"}], "paths": {
    "/a/{name}": {"get": {"operationId": "show", "x-privilege": "viewer"}},
    "/a/fixed": {"get": {"operationId": "showFixed", "x-privilege": "viewer"}},
    "/a/{name}/run": {"post": {"operationId": "run", "x-privilege": "operator"}},
    "/a/{name}/destroy": {"post": {"operationId": "destroy", "x-privilege": "operator",
                                   "x-confirm": true}},
    "/broken": {"post": {"operationId": "break", "x-privilege": "none"}},
    "/forgotten": {"get": {"operationId": "forgotten", "x-privilege": "none"}}}})";

class RouterFixture {
public:
    RouterFixture() : contract(kDocument), router(log, contract) {
        router.add("show", [](const Request& request) {
            return Response::text(request.parameter("name"), "t");
        });
        router.add("showFixed", [](const Request&) { return Response::text("literal", "t"); });
        router.add("run", [](const Request&) -> Response {
            throw Error{ErrorCode::conflict, "it runs", "wait"}.add_context("starting a");
        });
        router.add("destroy", [](const Request&) { return Response::no_content(); });
        router.add("break",
                   [](const Request&) -> Response { throw std::runtime_error{"secret detail"}; });
    }

    NullLog log;
    Contract contract;
    Router router;
};

}  // namespace

TEST_CASE("router: a parameter is decoded, a literal segment wins", "[api]") {
    const RouterFixture fixture;
    CHECK(fixture.router.dispatch(make_request(Method::get, "/a/x%20y%2Fz")).body == "x y/z");
    CHECK(fixture.router.dispatch(make_request(Method::get, "/a/fixed")).body == "literal");
}

TEST_CASE("router: unknown paths, wrong methods, broken escapes", "[api]") {
    const RouterFixture fixture;
    const auto status = [&](Method method, const std::string& path) {
        return fixture.router.dispatch(make_request(method, path)).status;
    };
    CHECK(status(Method::get, "/") == 404);
    CHECK(status(Method::get, "/a/") == 404);
    CHECK(status(Method::get, "/a/b/c") == 404);
    CHECK(status(Method::delete_, "/a/b") == 405);
    CHECK(status(Method::get, "/a/%zz") == 400);
    CHECK(status(Method::get, "/a/%00") == 400);
    CHECK(status(Method::get, "/a/" + std::string(5000, 'x')) == 413);
}

TEST_CASE("router: privileges are compared before the handler runs", "[api]") {
    const RouterFixture fixture;
    const auto status = [&](Privilege privilege) {
        return fixture.router.dispatch(make_request(Method::post, "/a/b/run", privilege)).status;
    };
    CHECK(status(Privilege::none) == 401);
    CHECK(status(Privilege::viewer) == 403);
    CHECK(status(Privilege::restore_operator) == 403);
    CHECK(status(Privilege::operator_) == 409);
    CHECK(status(Privilege::administrator) == 409);
}

TEST_CASE("router: what destroys asks for the password again", "[api]") {
    const RouterFixture fixture;
    auto request = make_request(Method::post, "/a/b/destroy");
    const auto refused = fixture.router.dispatch(request);
    CHECK(refused.status == 403);
    CHECK(parse_json(refused.body, "answer").at("type") == std::string{kConfirmationProblem});
    request.user.is_confirmed = true;
    CHECK(fixture.router.dispatch(request).status == 204);
    request.user.privilege = Privilege::viewer;
    CHECK(fixture.router.dispatch(request).status == 403);
}

TEST_CASE("router: an operation that nobody handles is missing, not open", "[api]") {
    const RouterFixture fixture;
    CHECK(fixture.router.missing() == std::vector<std::string>{"forgotten"});
    CHECK(fixture.router.dispatch(make_request(Method::get, "/forgotten")).status == 422);
}

TEST_CASE("contract: an operation without a privilege, or with a strange one, stops the start",
          "[api]") {
    const char* bad =
        GENERATE(R"({"operationId": "a"})", R"({"operationId": "a", "x-privilege": "everybody"})",
                 R"({"x-privilege": "viewer"})");
    const std::string text =
        R"({"servers": [{"url": "/"}], "paths": {"/a": {"get": )" + std::string{bad} + "}}}";
    CHECK(code_of([&] { Contract contract{text}; }) == ErrorCode::internal);
}

TEST_CASE("router: an error becomes a problem document and comes back whole", "[api]") {
    const RouterFixture fixture;
    const auto response = fixture.router.dispatch(make_request(Method::post, "/a/b/run"));
    CHECK(response.headers.at("content-type") == "application/problem+json");

    const Error error = error_from_problem(response);
    CHECK(error.code() == ErrorCode::conflict);
    CHECK(error.message() == "it runs");
    CHECK(error.hint() == "wait");
    CHECK(error.context() == std::vector<std::string>{"starting a"});
}

TEST_CASE("router: a foreign exception tells the client nothing", "[api]") {
    const RouterFixture fixture;
    const auto response = fixture.router.dispatch(make_request(Method::post, "/broken"));
    CHECK(response.status == 500);
    CHECK(response.body.find("secret detail") == std::string::npos);
}

TEST_CASE("problem: what is no problem document is a protocol error", "[api]") {
    Response response;
    response.status = 502;
    response.body = "<html>gateway</html>";
    CHECK(error_from_problem(response).code() == ErrorCode::protocol);
}

TEST_CASE("decode: unknown and ill-typed fields are refused by name", "[api]") {
    const auto decode = [](const char* text) {
        const Json body = parse_json(text, "test");
        ObjectReader reader{body, "the body"};
        reader.text("name");
        reader.flag_or("flag", false);
        reader.count_or("count", 1, 10);
        reader.texts("list");
        reader.find_time("time");
        reader.finish();
    };
    CHECK_NOTHROW(decode(R"({"name":"a","flag":true,"count":10,"list":["b"],"time":null})"));
    CHECK_NOTHROW(decode(R"({"name":"a","time":"2026-01-31T00:00:00Z"})"));
    const char* bad = GENERATE(
        R"([])", R"({})", R"({"name":""})", R"({"name":5})", R"({"name":"a","flga":true})",
        R"({"name":"a","flag":1})", R"({"name":"a","count":11})", R"({"name":"a","count":-1})",
        R"({"name":"a","count":1.5})", R"({"name":"a","list":"b"})", R"({"name":"a","list":[1]})",
        R"({"name":"a","time":"yesterday"})", R"({"name":"a\u0000b"})");
    INFO(bad);
    CHECK(code_of([&] { decode(bad); }) == ErrorCode::invalid);
}

TEST_CASE("decode: a text beyond its bound is refused", "[api]") {
    const Json body{{"name", std::string(kTextBytesMax + 1, 'x')}};
    ObjectReader reader{body, "the body"};
    CHECK(code_of([&] { reader.text("name"); }) == ErrorCode::invalid);
}

TEST_CASE("paging: limits and cursors of others are refused", "[api]") {
    Request request;
    CHECK(read_page(request).limit == kPageLimitDefault);
    request.query = {{"limit", "7"}, {"cursor", "42"}};
    CHECK(read_page(request).limit == 7);
    CHECK(read_page(request).before == 42);
    const std::string bad = GENERATE("0", "1001", "-1", "x", "5x");
    request.query = {{"limit", bad}};
    CHECK(code_of([&] { read_page(request); }) == ErrorCode::invalid);
    request.query = {{"cursor", "abc"}};
    CHECK(code_of([&] { read_page(request); }) == ErrorCode::invalid);
}

TEST_CASE("request: a query is decoded, a name given twice is refused", "[api]") {
    const auto query = parse_query("vm=web%2001&x=&flag");
    CHECK(query.at("vm") == "web 01");
    CHECK(query.at("x").empty());
    CHECK(query.at("flag").empty());
    CHECK(code_of([] { parse_query("a=1&a=2"); }) == ErrorCode::invalid);
    CHECK(decode_percent(encode_percent("ü/ \x01?&")) == "ü/ \x01?&");
}

namespace {

constexpr std::string_view kStrictDocument = R"({"servers": [{"url": "/"}],
  "components": {"schemas": {"Rule": {"type": "object", "additionalProperties": false,
      "properties": {"keep": {"type": "integer", "minimum": 0, "maximum": 10}}}}},
  "paths": {"/things/{number}": {"post": {"operationId": "make", "x-privilege": "none",
    "parameters": [
      {"name": "number", "in": "path", "required": true, "schema": {"type": "integer", "minimum": 1}},
      {"name": "dry", "in": "query", "schema": {"type": "boolean"}}],
    "requestBody": {"content": {"application/json": {"schema": {"type": "object",
      "required": ["name"], "additionalProperties": false, "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 4},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "path": {"type": "string", "maxLength": 4000, "pattern": "^/([a-z]+/)*$"},
        "until": {"type": "string", "format": "date-time"},
        "list": {"type": "array", "maxItems": 2, "items": {"type": "string"}},
        "flag": {"type": "boolean"},
        "rule": {"$ref": "#/components/schemas/Rule"}}}}}}}}}})";

int status_of(const std::string& path, const std::map<std::string, std::string>& query,
              const std::string& body) {
    NullLog log;
    const Contract contract{kStrictDocument};
    Router router{log, contract};
    router.add("make", [](const Request&) { return Response::no_content(); });
    Request request = make_request(Method::post, path);
    request.query = query;
    request.body = body;
    return router.dispatch(request).status;
}

}  // namespace

TEST_CASE("schema: what the document allows passes", "[api]") {
    const std::string body = GENERATE(
        R"({"name": "äöüß"})",
        R"({"name": "a", "kind": "b", "until": "2026-01-31T00:00:00Z", "list": ["x", "y"]})",
        R"({"name": "a", "path": "/some/place/"})",
        R"({"name": "a", "flag": false, "rule": {"keep": 10}})", R"({"name": "a", "rule": null})");
    INFO(body);
    CHECK(status_of("/things/7", {{"dry", "true"}}, body) == 204);
}

TEST_CASE("schema: whatever the document does not allow is refused (F-WB-15)", "[api]") {
    const std::string body = GENERATE(
        "", "[]", "1", R"({})", R"({"name": null})", R"({"name": ""})", R"({"name": "abcde"})",
        R"({"name": 5})", R"({"name": "a", "role": "administrator"})",
        R"({"name": "a", "kind": "c"})", R"({"name": "a", "until": "yesterday"})",
        R"({"name": "a", "path": "place/"})", R"({"name": "a", "path": "/Place/"})",
        R"({"name": "a", "list": "x"})", R"({"name": "a", "list": ["x", 1]})",
        R"({"name": "a", "list": ["x", "y", "z"]})", R"({"name": "a", "flag": "true"})",
        R"({"name": "a", "rule": {"keep": 11}})", R"({"name": "a", "rule": {"keep": -1}})",
        R"({"name": "a", "rule": {"keep": 1.0}})", R"({"name": "a", "rule": {"keep": 1e400}})",
        R"({"name": "a", "rule": {"keep": 18446744073709551615}})",
        R"({"name": "a", "rule": {"immutable_until": 1}})");
    INFO(body);
    CHECK(status_of("/things/7", {}, body) == 400);
}

TEST_CASE("schema: a long text against a pattern is matched, not a crash (F-WB-15)", "[api]") {
    std::string path = "/";
    while (path.size() < 3'998)
        path += "a/";
    CHECK(status_of("/things/7", {}, dump_json(Json{{"name", "a"}, {"path", path}})) == 204);
    path.back() = 'A';
    CHECK(status_of("/things/7", {}, dump_json(Json{{"name", "a"}, {"path", path}})) == 400);
}

TEST_CASE("schema: parameters of path and query are held to their types (F-WB-15)", "[api]") {
    const std::string body = R"({"name": "a"})";
    CHECK(status_of("/things/7", {}, body) == 204);
    CHECK(status_of("/things/0", {}, body) == 400);
    CHECK(status_of("/things/-1", {}, body) == 400);
    CHECK(status_of("/things/99999999999999999999", {}, body) == 400);
    CHECK(status_of("/things/x", {}, body) == 400);
    CHECK(status_of("/things/7", {{"dry", "maybe"}}, body) == 400);
    CHECK(status_of("/things/7", {{"other", "1"}}, body) == 400);
}
