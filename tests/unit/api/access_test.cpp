// Sessions, cookies, forged requests, heads that Poco lets through.
#include "appliance/api/access.h"

#include "appliance/api/router.h"
#include "appliance/daemon/http_rules.h"
#include "appliance/daemon/network_front.h"
#include "tests/support/state_fixture.h"

#include "base/error.h"

#include <Poco/Net/HTTPRequest.h>
#include <catch2/catch.hpp>

#include <functional>
#include <sstream>

using namespace entrepot;
using namespace entrepot::api;
using namespace std::chrono_literals;

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

class SessionFixture : public test::StateFixture {
public:
    Request request_with(const std::string& cookie, Method method) {
        Request request;
        request.method = method;
        request.path = "/api/v1/gc";
        request.headers["cookie"] = "other=1; __Host-entrepot=" + cookie + "; more=2";
        return request;
    }

    access::Session begin(Privilege role = Privilege::administrator) {
        return access.sessions.begin("1", "ada", role, {"192.0.2.7", "a browser"});
    }

    Request request_with_token(const std::string& secret, Method method = Method::get) {
        Request request;
        request.method = method;
        request.path = "/api/v1/info";
        request.headers["authorization"] = "Bearer " + secret;
        return request;
    }

    std::string make_token(bool may_destroy = false) {
        return access.tokens
            .add({.name = "script",
                  .role = Privilege::operator_,
                  .may_destroy = may_destroy,
                  .expires = clock.wall_now() + 24h})
            .secret;
    }

    NullLog log;
    SystemRandom chance;
    access::Access access{clock, chance, log, state->database(), state->settings, {1, 8 * kKiB}};
};

int head_status(const std::string& head) {
    std::istringstream stream{head + "\r\n"};
    Poco::Net::HTTPRequest request;
    request.read(stream);
    const auto fault = daemon::check_head(request, {{"appliance.example"}, false}, 1000);
    return fault ? fault->status : 200;
}

}  // namespace

TEST_CASE("access: a changing request repeats the session's token (F-WB-05)", "[api]") {
    SessionFixture fixture;
    const access::Session session = fixture.begin();
    auto request = fixture.request_with(session.cookie, Method::get);
    CHECK(authenticate(request, fixture.access).privilege == Privilege::administrator);

    request = fixture.request_with(session.cookie, Method::post);
    CHECK(code_of([&] { authenticate(request, fixture.access); }) == ErrorCode::access_denied);
    request.headers[std::string{kCsrfHeader}] = session.cookie;
    CHECK(code_of([&] { authenticate(request, fixture.access); }) == ErrorCode::access_denied);
    request.headers[std::string{kCsrfHeader}] = session.csrf_token;
    CHECK(authenticate(request, fixture.access).privilege == Privilege::administrator);
    CHECK_FALSE(authenticate(request, fixture.access).is_local);

    request = fixture.request_with("unknown", Method::post);
    CHECK(authenticate(request, fixture.access).privilege == Privilege::none);
}

TEST_CASE("access: a sign-in works in a browser that still holds an old session", "[api]") {
    SessionFixture fixture;
    const access::Session session = fixture.begin();
    auto request = fixture.request_with(session.cookie, Method::post);
    const std::string path = GENERATE("/api/v1/session", "/api/v1/setup", "/api/v1/setup/look");
    request.path = path;
    CHECK(authenticate(request, fixture.access).privilege == Privilege::none);
}

TEST_CASE("access: a session in the address opens nothing (F-WB-04)", "[api]") {
    SessionFixture fixture;
    const access::Session session = fixture.begin();
    Request request;
    request.path = "/api/v1/info";
    request.query = {{"__Host-entrepot", session.cookie}, {"token", fixture.make_token()}};
    CHECK(authenticate(request, fixture.access).privilege == Privilege::none);
}

TEST_CASE("access: a token needs no cookie and takes none beside it (F-WB-20)", "[api]") {
    SessionFixture fixture;
    const std::string secret = fixture.make_token();
    auto request = fixture.request_with_token(secret, Method::post);
    const User user = authenticate(request, fixture.access);
    CHECK(user.privilege == Privilege::operator_);
    CHECK(user.via == access::Via::token);
    CHECK_FALSE(user.is_confirmed);
    CHECK(authenticate(fixture.request_with_token(fixture.make_token(true)), fixture.access)
              .is_confirmed);

    request.headers["cookie"] = "__Host-entrepot=" + fixture.begin().cookie;
    CHECK(code_of([&] { authenticate(request, fixture.access); }) == ErrorCode::invalid);
    const std::string bad = GENERATE("", "entrepot_", "Basic YTpi", "entrepot_00");
    CHECK(code_of([&] { authenticate(fixture.request_with_token(bad), fixture.access); }) ==
          ErrorCode::unauthenticated);
}

TEST_CASE("access: a token is refused from another origin, reading too (F-WB-20)", "[api]") {
    SessionFixture fixture;
    auto request = fixture.request_with_token(fixture.make_token());
    CHECK_NOTHROW(check_origin(request, "https://appliance:8443"));
    request.headers["origin"] = "https://evil.example";
    CHECK(code_of([&] { check_origin(request, "https://appliance:8443"); }) ==
          ErrorCode::access_denied);
}

TEST_CASE("access: a body that a form can send is refused (F-WB-05)", "[api]") {
    Request request;
    request.method = Method::post;
    CHECK_NOTHROW(check_content_type(request));
    request.body = "{}";
    const std::string bad = GENERATE("", "text/plain", "application/x-www-form-urlencoded",
                                     "multipart/form-data; boundary=x", "application/jsonx");
    request.headers["content-type"] = bad;
    CHECK(code_of([&] { check_content_type(request); }) == ErrorCode::unsupported);
    request.headers["content-type"] = "application/json; charset=utf-8";
    CHECK_NOTHROW(check_content_type(request));
}

TEST_CASE("access: requests that another site sent are refused", "[api]") {
    const auto check = [](const std::string& name, const std::string& value) {
        Request request;
        request.method = Method::post;
        request.headers[name] = value;
        check_origin(request, "https://appliance:8443");
    };
    CHECK_NOTHROW(check("origin", "https://appliance:8443"));
    CHECK_NOTHROW(check("sec-fetch-site", "same-origin"));
    CHECK_NOTHROW(check("sec-fetch-site", "none"));
    using Row = std::pair<std::string, std::string>;
    const auto row = GENERATE(values<Row>({{"origin", "https://evil.example"},
                                           {"origin", "null"},
                                           {"origin", "http://appliance:8443"},
                                           {"sec-fetch-site", "cross-site"},
                                           {"sec-fetch-site", "same-site"}}));
    CHECK(code_of([&] { check(row.first, row.second); }) == ErrorCode::access_denied);
}

TEST_CASE("http rules: what two parsers could read differently is refused", "[api]") {
    const std::string line = "POST /x HTTP/1.1\r\n";
    const std::string host = "Host: appliance.example:8443\r\n";
    CHECK(head_status(line + host) == 200);
    CHECK(head_status(line + host + "Content-Length: 5\r\n") == 200);
    CHECK(head_status(line + host + "Transfer-Encoding: chunked\r\n") == 200);
    CHECK(head_status("GET / HTTP/1.0\r\n") == 200);
    CHECK(head_status(line + "Host: 192.0.2.7:8443\r\n") == 200);
    CHECK(head_status(line + "Host: [2001:db8::7]:8443\r\n") == 200);

    CHECK(head_status(line) == 400);
    CHECK(head_status(line + host + host) == 400);
    CHECK(head_status(line + "Host: evil.example\r\n") == 421);
    CHECK(head_status(line + host + "Content-Length: 5\r\nContent-Length: 6\r\n") == 400);
    CHECK(head_status(line + host + "Content-Length: -5\r\n") == 400);
    CHECK(head_status(line + host + "Content-Length: 5, 5\r\n") == 400);
    CHECK(head_status(line + host + "Content-Length: 1001\r\n") == 413);
    CHECK(head_status(line + host + "Content-Length: 99999999999999999999\r\n") == 400);
    CHECK(head_status(line + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") == 400);
    CHECK(head_status(line + host + "Transfer-Encoding: gzip, chunked\r\n") == 501);
    CHECK(head_status("POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n") == 400);
    CHECK(head_status(line + host + "Evil : 1\r\n") == 400);
    CHECK(head_status("GET http://x/ HTTP/1.1\r\n" + host) == 400);
    CHECK(head_status("GET / HTTP/1.2\r\n" + host) == 505);
}

TEST_CASE("network front: every answer carries the headers that browsers obey (F-WB-18)", "[api]") {
    SessionFixture fixture;
    const Contract contract{R"({"servers": [{"url": "/api/v1"}], "paths": {"/open": {"get":
        {"operationId": "open", "x-privilege": "none"}}}})"};
    Router router{fixture.log, contract};
    router.add("open", [](const Request&) { return Response::json({{"a", 1}}); });
    const daemon::NetworkFront front{
        fixture.clock, router, fixture.access,
        [](std::string_view path) -> std::optional<daemon::StaticFile> {
            if (path == "/index.html") return daemon::StaticFile{"text/html", "page", "\"e\""};
            return std::nullopt;
        },
        "default-src 'none'"};
    const auto ask = [&](const std::string& path) {
        Request request;
        request.path = path;
        request.headers["host"] = "appliance";
        return front.answer(request);
    };
    for (const std::string path : {"/api/v1/open", "/api/v1/none", "/", "/missing.js"}) {
        INFO(path);
        const auto response = ask(path);
        CHECK(response.headers.at("content-security-policy") == "default-src 'none'");
        CHECK(response.headers.at("x-content-type-options") == "nosniff");
        CHECK(response.headers.at("x-frame-options") == "DENY");
        CHECK_FALSE(response.headers.contains("access-control-allow-origin"));
    }
    CHECK(ask("/api/v1/open").headers.at("cache-control") == "no-store");
    CHECK(ask("/hosts/hv01").body == "page");
    CHECK(ask("/missing.js").status == 404);
}

namespace {

/// A front with one route that streams.
struct StreamingFront {
    StreamingFront(SessionFixture& made, const std::function<Response()>& answer) : fixture(made) {
        router.add("read", [answer](const Request&) { return answer(); });
    }

    Request request_with(const std::string& cookie) {
        Request request = fixture.request_with(cookie, Method::get);
        request.path = "/api/v1/stream";
        request.headers["host"] = "appliance";
        request.peer = "192.0.2.7";
        return request;
    }

    /// How many pieces come if the session ends at the third, and 100 are enough.
    int count_pieces() {
        const access::Session session = fixture.begin(Privilege::viewer);
        const Response response = front.answer(request_with(session.cookie));
        REQUIRE(response.stream);
        int count = 0;
        response.stream(
            [&](std::string_view) {
                if (++count == 3) fixture.access.sessions.end_id(session.id);
                return count < 100;
            },
            {});
        return count;
    }

    SessionFixture& fixture;
    Contract contract{R"({"servers": [{"url": "/api/v1"}], "paths": {"/stream": {"get":
        {"operationId": "read", "x-privilege": "viewer"}}}})"};
    Router router{fixture.log, contract};
    daemon::KnownAddresses known{fixture.clock};
    daemon::NetworkFront front{
        fixture.clock,
        router,
        fixture.access,
        [](std::string_view) -> std::optional<daemon::StaticFile> { return std::nullopt; },
        "default-src 'none'",
        &known};
};

}  // namespace

TEST_CASE("network front: a stream ends with the session that opened it (F-WB-04)", "[api]") {
    SessionFixture fixture;
    StreamingFront lab{fixture, [] {
                           Response response;
                           response.stream = [](const StreamWriter& write, const std::stop_token&) {
                               while (write("event"))
                                   continue;
                           };
                           return response;
                       }};
    CHECK(lab.count_pieces() == 3);
}

TEST_CASE("network front: a download ends soon after the session that asked for it (F-WB-04)",
          "[api]") {
    SessionFixture fixture;
    StreamingFront lab{fixture, [&fixture] {
                           Response response;
                           response.headers["content-disposition"] = "attachment";
                           response.stream = [&fixture](const StreamWriter& write,
                                                        const std::stop_token&) {
                               while (write("piece"))
                                   fixture.clock.advance(std::chrono::milliseconds{100});
                           };
                           return response;
                       }};
    const int count = lab.count_pieces();
    CHECK(count >= 3);
    CHECK(count <= 8);
}

TEST_CASE("network front: only where a user asks from becomes known (F-WB-09)", "[api]") {
    SessionFixture fixture;
    StreamingFront lab{fixture, [] { return Response::json({{"a", 1}}); }};
    CHECK(lab.front.answer(lab.request_with("no cookie of ours")).status == 401);
    CHECK_FALSE(lab.known.has("192.0.2.7"));
    const access::Session session = fixture.begin(Privilege::viewer);
    CHECK(lab.front.answer(lab.request_with(session.cookie)).status == 200);
    CHECK(lab.known.has("192.0.2.7"));
    CHECK_FALSE(lab.known.has("192.0.2.8"));
    for (std::size_t i = 0; i < daemon::KnownAddresses::kCountMax; ++i) {
        fixture.clock.advance(std::chrono::milliseconds{1});
        lab.known.remember(std::to_string(i));
    }
    CHECK_FALSE(lab.known.has("192.0.2.7"));
    CHECK(lab.known.has("0"));
}
