// Logins over a scripted connection: legs, refusals, a login that the host forgot (F-WM-08).
#include "exporter/wsman/session.h"

#include "base/bytes.h"
#include "base/error.h"
#include "exporter/wsman/http_date.h"
#include "exporter/wsman/kerberos_ticket.h"
#include "exporter/wsman/sealed_body.h"
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
    SealedMessage seal(ByteView plain) override { return {bytes("SEAL"), turned(plain)}; }
    Bytes unseal(const SealedMessage& message) override {
        if (as_text(message.header) != "SEAL") throw Error{ErrorCode::protocol, "broken seal"};
        return turned(message.payload);
    }

private:
    /// As good a cipher as a test needs: its own inverse.
    static Bytes turned(ByteView plain) {
        Bytes out{plain.begin(), plain.end()};
        for (std::byte& one : out)
            one ^= std::byte{0x55};
        return out;
    }
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
    explicit Stage(std::deque<Handler> script, Scheme scheme = Scheme::negotiate,
                   std::string user = "HV01\\backup")
        : transport(std::move(script)),
          session(clock, transport, {scheme, std::move(user), Secret{"pass"}, "hv01"},
                  [this](const SecurityContextOptions& options) {
                      mechanisms.push_back(options.mechanism);
                      const bool fails =
                          kerberos_failure && options.mechanism == Mechanism::spnego_kerberos;
                      if (fails) {
                          throw LoginError{*kerberos_failure, ErrorCode::unauthenticated,
                                           "no luck with Kerberos", ""};
                      }
                      return std::make_unique<ScriptedContext>();
                  }) {}

    ErrorCode failure() {
        try {
            session.post("<x/>", {});
        } catch (const Error& error) {
            message = error.message();
            hint = error.hint();
            return error.code();
        }
        return ErrorCode::internal;
    }

    ManualClock clock{WallTime{}};
    FakeTransport transport;
    Session session;
    std::string message;
    std::string hint;
    std::vector<Mechanism> mechanisms;
    std::optional<LoginFailure> kerberos_failure;
};

/// Opens what the session sealed with a ScriptedContext, and seals as the host would.
std::string opened(const HttpRequest& request) {
    ScriptedContext context;
    const SealedBody body = decode_sealed_body(request.headers.at(0).value, request.body);
    return std::string{as_text(context.unseal(body.message))};
}

HttpAnswer sealed(const std::string& plain, int status = 200) {
    ScriptedContext context;
    HttpAnswer answer;
    answer.status = status;
    answer.headers = {{"content-type", sealed_content_type(SealProtocol::spnego)}};
    answer.body = write_sealed_body(context.seal(as_bytes(plain)), SealProtocol::spnego,
                                    InnerHeaders::with_tab);
    return answer;
}

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

TEST_CASE("session: a second refusal after a new login is final", "[F-WM-08][wsman]") {
    Stage stage{login() + std::deque<Handler>{gives(ok()), gives(schemes())} + login() +
                std::deque<Handler>{gives(schemes())}};

    stage.session.post("<x/>", {});
    CHECK(stage.failure() == ErrorCode::unauthenticated);
    CHECK(stage.transport.is_script_done());
}

TEST_CASE("session: a refused password is asked once and never again", "[F-WM-08][wsman]") {
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

TEST_CASE("session: endless challenges end", "[F-WM-08][wsman]") {
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

TEST_CASE("session: without TLS every message is sealed", "[wsman]") {
    Stage stage{login() + std::deque<Handler>{gives(sealed("<ok/>")), gives(sealed("<no/>", 500))}};
    stage.transport.has_tls = false;

    const HttpAnswer first = stage.session.post("<secret/>", {});
    CHECK(first.body == "<ok/>");
    CHECK(first.header("content-type") == "application/soap+xml;charset=UTF-8");
    CHECK(stage.session.post("<more/>", {}).status == 500);

    const auto& sent = stage.transport.requests;
    REQUIRE(sent.size() == 5);
    CHECK(sent[2].body.empty());
    CHECK(sent[3].body.find("<secret/>") == std::string::npos);
    CHECK(opened(sent[3]) == "<secret/>");
    CHECK(opened(sent[4]) == "<more/>");
}

TEST_CASE("session: an answer that is not sealed as it must be is not believed", "[wsman]") {
    HttpAnswer unsealed = soap(500, "<s:Fault/>");
    HttpAnswer other_length = sealed("<ok/>");
    const std::size_t digit = other_length.body.find("Length=5") + 7;
    other_length.body[digit] = '4';
    HttpAnswer other_seal = sealed("<ok/>");
    other_seal.body[other_seal.body.find("SEAL")] = 'M';
    const HttpAnswer answer = GENERATE_COPY(unsealed, other_length, other_seal);
    Stage stage{login() + std::deque<Handler>{gives(answer)}};
    stage.transport.has_tls = false;

    CHECK(stage.failure() == ErrorCode::protocol);
    CHECK(stage.transport.disconnect_count == 2);
}

TEST_CASE("session: an error of HTTP itself needs no seal, a lost login is made anew", "[wsman]") {
    HttpAnswer unavailable;
    unavailable.status = 503;
    Stage stage{login() + std::deque<Handler>{gives(schemes())} + login() +
                std::deque<Handler>{gives(unavailable)}};
    stage.transport.has_tls = false;

    CHECK(stage.session.post("<x/>", {}).status == 503);
    CHECK(stage.transport.is_script_done());
}

TEST_CASE("session: without TLS a 401 is no proof that nothing was done", "[wsman]") {
    const bool has_tls = GENERATE(true, false);
    const HttpAnswer answer = has_tls ? ok() : sealed("<ok/>");
    Stage stage{login() + std::deque<Handler>{gives(schemes())} + login() +
                std::deque<Handler>{gives(answer)}};
    stage.transport.has_tls = has_tls;

    const auto post = [&] { stage.session.post("<x/>", {}, Resend::forbidden_without_tls); };
    if (has_tls) {
        CHECK_NOTHROW(post());
    } else {
        CHECK_THROWS_WITH(post(), Catch::Contains("anybody on the way"));
        CHECK(stage.transport.requests.size() == 4);
    }
}

TEST_CASE("session: what cannot seal does not speak without TLS", "[wsman]") {
    Stage stage{{}, GENERATE(Scheme::basic, Scheme::certificate)};
    stage.transport.has_tls = false;

    CHECK(stage.failure() == ErrorCode::invalid);
    CHECK(stage.transport.requests.empty());
}

TEST_CASE("session: a certificate names the profile in each request", "[wsman]") {
    HttpAnswer forbidden;
    forbidden.status = 403;
    Stage stage{{gives(ok()), gives(forbidden)}, Scheme::certificate};

    stage.session.post("<x/>", {});
    CHECK(authorization_of(stage.transport.requests[0]) ==
          "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual");
    CHECK(stage.failure() == ErrorCode::unauthenticated);
    CHECK(stage.hint.find("certmapping") != std::string::npos);
}

TEST_CASE("session: negotiate takes Kerberos for accounts of a domain, NTLM for the host's own",
          "[wsman]") {
    Stage domain{login() + std::deque<Handler>{gives(ok())}, Scheme::negotiate,
                 "backup@CORP.EXAMPLE"};
    domain.session.post("<x/>", {});
    CHECK(domain.mechanisms == std::vector{Mechanism::spnego_kerberos});

    Stage local{login() + std::deque<Handler>{gives(ok())}};
    local.session.post("<x/>", {});
    CHECK(local.mechanisms == std::vector{Mechanism::spnego_ntlm});
}

TEST_CASE("session: NTLM follows where no KDC helps, never after a refusal", "[wsman]") {
    Stage stage{login() + std::deque<Handler>{gives(ok())}, Scheme::negotiate,
                "backup@CORP.EXAMPLE"};
    SECTION("no KDC") {
        stage.kerberos_failure = LoginFailure::kdc_unreachable;
        stage.session.post("<x/>", {});
        CHECK(stage.mechanisms == std::vector{Mechanism::spnego_kerberos, Mechanism::spnego_ntlm});
    }
    SECTION("refused") {
        stage.kerberos_failure = LoginFailure::password_wrong;
        CHECK(stage.failure() == ErrorCode::unauthenticated);
        CHECK(stage.failure() == ErrorCode::unauthenticated);
        CHECK(stage.mechanisms == std::vector{Mechanism::spnego_kerberos});
    }
}

TEST_CASE("session: Kerberos alone never becomes NTLM, and speaks by its own name", "[wsman]") {
    const std::string token = " " + to_base64(as_bytes("challenge"));
    Stage stage{
        {gives(unauthorized({"Kerberos", "Basic realm=\"WSMAN\""})),
         gives(unauthorized({"Kerberos" + token})), gives(empty_ok()), gives(sealed("<ok/>"))},
        Scheme::kerberos,
        "backup@CORP.EXAMPLE"};
    stage.transport.has_tls = false;

    stage.session.post("<x/>", {});
    CHECK(stage.mechanisms == std::vector{Mechanism::kerberos});
    const auto& sent = stage.transport.requests;
    CHECK(authorization_of(sent[1]) == "Kerberos " + to_base64(as_bytes("one")));
    CHECK(sent[3].headers.at(0).value.find("HTTP-Kerberos-session") != std::string::npos);
}

TEST_CASE("session: a refusal tells of a clock that differs", "[wsman]") {
    HttpAnswer refusal = schemes();
    refusal.headers.push_back({"date", "Thu, 01 Jan 1970 00:20:00 GMT"});
    Stage stage{{gives(schemes()), gives(challenge()), gives(refusal)}};

    CHECK(stage.failure() == ErrorCode::unauthenticated);
    CHECK(stage.hint.find("20 minutes before ours") != std::string::npos);
}

TEST_CASE("http date: the one form is read, others are none", "[wsman]") {
    CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == parse_time("1994-11-06T08:49:37Z"));
    for (const char* bad : {"", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 31 Feb 2026 08:49:37 GMT",
                            "Sun, 06 Nov 1994 24:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT"}) {
        CHECK(!parse_http_date(bad));
    }
}

}  // namespace entrepot::wsman
