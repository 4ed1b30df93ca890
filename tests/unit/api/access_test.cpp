// Sessions, cookies, forged requests, heads that Poco lets through.
#include "appliance/api/access.h"

#include "appliance/api/sessions.h"
#include "appliance/daemon/http_rules.h"
#include "appliance/daemon/network_front.h"

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

class SessionFixture {
public:
    SessionFixture() : clock(*parse_time("2026-03-01T12:00:00Z")), sessions(clock, random) {}

    Request request_with(const std::string& cookie, Method method) {
        Request request;
        request.method = method;
        request.path = "/api/v1/gc";
        request.headers["cookie"] = "other=1; __Host-entrepot=" + cookie + "; more=2";
        return request;
    }

    ManualClock clock;
    SystemRandom random;
    SessionStore sessions;
};

int head_status(const std::string& head) {
    std::istringstream stream{head + "\r\n"};
    Poco::Net::HTTPRequest request;
    request.read(stream);
    const auto fault = daemon::check_head(request, {{"appliance.example"}, false}, 1000);
    return fault ? fault->status : 200;
}

}  // namespace

TEST_CASE("sessions: a link opens one session and only one", "[api]") {
    SessionFixture fixture;
    const std::string token = fixture.sessions.make_link_token();
    CHECK(token.size() == 64);
    const Session session = fixture.sessions.exchange(token);
    CHECK(session.user.privilege == Privilege::administrator);
    CHECK(fixture.sessions.find(session.cookie));
    CHECK_FALSE(fixture.sessions.find(session.csrf_token));
    CHECK(code_of([&] { fixture.sessions.exchange(token); }) == ErrorCode::unauthenticated);
    CHECK(code_of([&] { fixture.sessions.exchange(""); }) == ErrorCode::unauthenticated);
}

TEST_CASE("sessions: links and sessions end", "[api]") {
    SessionFixture fixture;
    const std::string late = fixture.sessions.make_link_token();
    const Session session = fixture.sessions.exchange(fixture.sessions.make_link_token());
    fixture.clock.advance(11h);
    CHECK(fixture.sessions.find(session.cookie));
    fixture.clock.advance(11h);
    CHECK(fixture.sessions.find(session.cookie));
    fixture.clock.advance(13h);
    CHECK_FALSE(fixture.sessions.find(session.cookie));
    CHECK(code_of([&] { fixture.sessions.exchange(late); }) == ErrorCode::unauthenticated);

    const Session ended = fixture.sessions.exchange(fixture.sessions.make_link_token());
    fixture.sessions.end(ended.cookie);
    CHECK_FALSE(fixture.sessions.find(ended.cookie));
}

TEST_CASE("access: a changing request repeats the session's token", "[api]") {
    SessionFixture fixture;
    const Session session = fixture.sessions.exchange(fixture.sessions.make_link_token());
    auto request = fixture.request_with(session.cookie, Method::get);
    CHECK(authenticate(request, fixture.sessions).privilege == Privilege::administrator);

    request = fixture.request_with(session.cookie, Method::post);
    CHECK(code_of([&] { authenticate(request, fixture.sessions); }) == ErrorCode::access_denied);
    request.headers[std::string{kCsrfHeader}] = session.cookie;
    CHECK(code_of([&] { authenticate(request, fixture.sessions); }) == ErrorCode::access_denied);
    request.headers[std::string{kCsrfHeader}] = session.csrf_token;
    CHECK(authenticate(request, fixture.sessions).privilege == Privilege::administrator);
    CHECK_FALSE(authenticate(request, fixture.sessions).is_local);

    request = fixture.request_with("unknown", Method::post);
    CHECK(authenticate(request, fixture.sessions).privilege == Privilege::none);
}

TEST_CASE("access: a new link works in a browser that still holds an old session", "[api]") {
    SessionFixture fixture;
    const Session session = fixture.sessions.exchange(fixture.sessions.make_link_token());
    auto request = fixture.request_with(session.cookie, Method::post);
    request.path = std::string{kSignInPath};
    CHECK(authenticate(request, fixture.sessions).privilege == Privilege::none);
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

TEST_CASE("network front: every answer carries the headers that browsers obey", "[api]") {
    SessionFixture fixture;
    NullLog log;
    Router router{log};
    router.add(Method::get, "/api/v1/open", Privilege::none, [](const Request&) {
        return Response::json({{"a", 1}});
    });
    const daemon::NetworkFront front{
        router, fixture.sessions,
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
        CHECK_FALSE(response.headers.contains("access-control-allow-origin"));
    }
    CHECK(ask("/api/v1/open").headers.at("cache-control") == "no-store");
    CHECK(ask("/hosts/hv01").body == "page");
    CHECK(ask("/missing.js").status == 404);
}
