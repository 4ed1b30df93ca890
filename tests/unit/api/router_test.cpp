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
    request.user = {"tester", privilege, true};
    return request;
}

class RouterFixture {
public:
    RouterFixture() : router(log) {
        router.add(Method::get, "/a/{name}", Privilege::viewer, [](const Request& request) {
            return Response::text(request.parameter("name"), "t");
        });
        router.add(Method::get, "/a/fixed", Privilege::viewer,
                   [](const Request&) { return Response::text("literal", "t"); });
        router.add(
            Method::post, "/a/{name}/run", Privilege::operator_, [](const Request&) -> Response {
                throw Error{ErrorCode::conflict, "it runs", "wait"}.add_context("starting a");
            });
        router.add(Method::post, "/broken", Privilege::none,
                   [](const Request&) -> Response { throw std::runtime_error{"secret detail"}; });
    }

    NullLog log;
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
