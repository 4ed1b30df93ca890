// Logins over a scripted connection: legs, refusals, a login that the host forgot (F-WM-08).
#include "exporter/wsman/session.h"

#include "base/bytes.h"
#include "base/error.h"
#include "tests/unit/exporter/fake_transport.h"

#include <catch2/catch.hpp>

namespace entrepot::wsman {
namespace {

using Handler = FakeTransport::Handler;

/// Says "one", wants "challenge", says "two", and is done.
class ScriptedContext final : public SecurityContext {
public:
    Bytes step(ByteView token) override {
        ++step_;
        if (step_ == 1) return bytes("one");
        if (as_text(token) != "challenge") throw Error{ErrorCode::unauthenticated, "bad token"};
        is_complete_ = true;
        return bytes("two");
    }
    bool is_complete() const override { return is_complete_; }

private:
    static Bytes bytes(std::string_view text) {
        const ByteView view = as_bytes(text);
        return {view.begin(), view.end()};
    }
    int step_ = 0;
    bool is_complete_ = false;
};

HttpAnswer unauthorized(const std::vector<std::string>& challenges) {
    HttpAnswer answer;
    answer.status = 401;
    for (const auto& challenge : challenges)
        answer.headers.push_back({"www-authenticate", challenge});
    return answer;
}

Handler gives(const HttpAnswer& answer) {
    return [answer](const HttpRequest&) { return answer; };
}

HttpAnswer ok() {
    return soap(200, "<ok/>");
}
HttpAnswer empty_ok() {
    HttpAnswer answer;
    answer.status = 200;
    return answer;
}
HttpAnswer challenge() {
    return unauthorized({"Negotiate " + to_base64(as_bytes("challenge")), "Basic realm=\"WSMAN\""});
}
HttpAnswer schemes() {
    return unauthorized({"Negotiate", "Basic realm=\"WSMAN\""});
}

std::deque<Handler> login() {
    return {gives(schemes()), gives(challenge()), gives(empty_ok())};
}

std::deque<Handler> operator+(std::deque<Handler> left, const std::deque<Handler>& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

struct Stage {
    explicit Stage(std::deque<Handler> script, Scheme scheme = Scheme::negotiate)
        : transport(std::move(script)),
          session(
              clock, transport, {scheme, "HV01\\backup", Secret{"pass"}, "hv01"},
              [](const SecurityContextOptions&) { return std::make_unique<ScriptedContext>(); }) {}

    ErrorCode failure() {
        try {
            session.post("<x/>", {});
        } catch (const Error& error) {
            message = error.message();
            return error.code();
        }
        return ErrorCode::internal;
    }

    ManualClock clock{WallTime{}};
    FakeTransport transport;
    Session session;
    std::string message;
};

std::string authorization_of(const HttpRequest& request) {
    for (const auto& header : request.headers) {
        if (header.name == "Authorization") return header.value;
    }
    return {};
}

}  // namespace

TEST_CASE("session: Negotiate logs in by empty legs, then sends without a login", "[wsman]") {
    Stage stage{login() + std::deque<Handler>{gives(ok()), gives(ok())}};

    CHECK(stage.session.post("<x/>", {}).status == 200);
    CHECK(stage.session.post("<y/>", {}).status == 200);

    const auto& sent = stage.transport.requests;
    REQUIRE(sent.size() == 5);
    CHECK(sent[0].body.empty());
    CHECK(authorization_of(sent[0]).empty());
    CHECK(authorization_of(sent[1]) == "Negotiate " + to_base64(as_bytes("one")));
    CHECK(authorization_of(sent[2]) == "Negotiate " + to_base64(as_bytes("two")));
    CHECK(sent[2].body.empty());
    CHECK(sent[3].body == "<x/>");
    CHECK(authorization_of(sent[3]).empty());
}

TEST_CASE("session: a login that the host forgot is repeated once", "[wsman]") {
    Stage stage{login() + std::deque<Handler>{gives(ok()), gives(schemes())} + login() +
                std::deque<Handler>{gives(ok())}};

    stage.session.post("<x/>", {});
    CHECK(stage.session.post("<y/>", {}).status == 200);
    CHECK(stage.transport.is_script_done());
}

TEST_CASE("session: a second refusal after a new login is final", "[wsman]") {
    Stage stage{login() + std::deque<Handler>{gives(ok()), gives(schemes())} + login() +
                std::deque<Handler>{gives(schemes())}};

    stage.session.post("<x/>", {});
    CHECK(stage.failure() == ErrorCode::unauthenticated);
    CHECK(stage.transport.is_script_done());
}

TEST_CASE("session: a refused password is asked once and never again", "[wsman]") {
    Stage stage{{gives(schemes()), gives(challenge()), gives(schemes())}};

    CHECK(stage.failure() == ErrorCode::unauthenticated);
    CHECK(stage.message.find("HV01\\backup") != std::string::npos);
    CHECK(stage.failure() == ErrorCode::unauthenticated);
    CHECK(stage.transport.requests.size() == 3);
}

TEST_CASE("session: a host without Negotiate says what it has", "[wsman]") {
    Stage stage{{gives(unauthorized({"Basic realm=\"WSMAN\""}))}};

    CHECK(stage.failure() == ErrorCode::unauthenticated);
    CHECK(stage.message.find("basic") != std::string::npos);
}

TEST_CASE("session: legs over two connections are no login", "[wsman]") {
    HttpAnswer moved = empty_ok();
    moved.is_new_connection = true;
    Stage stage{{gives(schemes()), gives(challenge()), gives(moved)}};

    CHECK(stage.failure() == ErrorCode::unreachable);
}

TEST_CASE("session: endless challenges end", "[wsman]") {
    FakeTransport transport{[](const HttpRequest&) { return challenge(); }};
    ManualClock clock{WallTime{}};
    Session session{
        clock,
        transport,
        {Scheme::negotiate, "u", Secret{"p"}, "h"},
        [](const SecurityContextOptions&) { return std::make_unique<ScriptedContext>(); }};

    CHECK_THROWS_AS(session.post("<x/>", {}), Error);
    CHECK(transport.requests.size() < 12);
}

TEST_CASE("session: Basic sends its header each time and stops at the first refusal", "[wsman]") {
    Stage stage{{gives(ok()), gives(unauthorized({"Negotiate"}))}, Scheme::basic};

    stage.session.post("<x/>", {});
    CHECK(authorization_of(stage.transport.requests[0]) ==
          "Basic " + to_base64(as_bytes("HV01\\backup:pass")));
    CHECK(stage.failure() == ErrorCode::unauthenticated);
    CHECK(stage.failure() == ErrorCode::unauthenticated);
    CHECK(stage.transport.requests.size() == 2);
}

}  // namespace entrepot::wsman
