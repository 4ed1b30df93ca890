// What connections to one host share: F-WM-12 (quotas) and F-WM-08 (refused logins).
#include "exporter/wsman/host_gate.h"

#include "exporter/wsman/client.h"
#include "exporter/wsman/limits.h"
#include "exporter/wsman/login_error.h"
#include "tests/unit/exporter/fake_transport.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>
#include <vector>

namespace entrepot::wsman {
namespace {

HttpAnswer refused() {
    HttpAnswer answer;
    answer.status = 401;
    answer.headers = {{"www-authenticate", "Basic realm=\"WSMAN\""}};
    return answer;
}

/// One connection with Basic over a transport that answers by `handler`.
struct Connection {
    Connection(Clock& clock, HostGate& gate, FakeTransport::Handler handler)
        : transport(std::move(handler)),
          session(clock, transport, {Scheme::basic, "u", Secret{"p"}, "h"}),
          client({clock, random, log}, session, {.url = "https://h:5986/wsman", .gate = &gate}) {
        session.share(gate);
    }

    SeededRandom random{1};
    NullLog log;
    FakeTransport transport;
    Session session;
    Client client;
};

ErrorCode code_of(Client& client) {
    try {
        client.get({"http://schemas.microsoft.com/wbem/wsman/1/wmi/root/x/Msvm_A", {}}, {});
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::internal;
}

}  // namespace

TEST_CASE("gate: overload halves the places, success gives them back one by one",
          "[F-WM-12][wsman]") {
    ManualClock clock{WallTime{}};
    HostGate gate{clock};
    CHECK(gate.places() == 4);

    gate.note_overload();
    gate.note_overload();  // Of the same moment.
    CHECK(gate.places() == 2);
    clock.advance(std::chrono::seconds{2});
    gate.note_overload();
    clock.advance(std::chrono::seconds{2});
    gate.note_overload();
    CHECK(gate.places() == 1);

    int successes = 0;
    while (gate.places() < 4 && successes < 100) {
        gate.note_success();
        ++successes;
    }
    CHECK(successes >= 6);
    CHECK(successes <= 12);
    gate.note_success();
    CHECK(gate.places() == 4);
}

TEST_CASE("gate: never more requests are under way than there are places", "[wsman]") {
    ManualClock clock{WallTime{}};
    HostGate gate{clock};
    std::atomic<int> now = 0;
    std::atomic<int> most = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 12; ++i) {
            threads.emplace_back([&] {
                for (int turn = 0; turn < 50; ++turn) {
                    const HostGate::Place place = gate.enter({});
                    const int here = ++now;
                    int seen = most;
                    while (here > seen && !most.compare_exchange_weak(seen, here)) {
                    }
                    std::this_thread::yield();
                    --now;
                }
            });
        }
    }
    CHECK(most <= limits::kRequestsPerHostMax);
    CHECK(most > 1);
}

TEST_CASE("gate: who waits for a place can be stopped", "[wsman]") {
    ManualClock clock{WallTime{}};
    HostGate gate{clock};
    const HostGate::Place a = gate.enter({});
    const HostGate::Place b = gate.enter({});
    const HostGate::Place c = gate.enter({});
    const HostGate::Place d = gate.enter({});
    std::stop_source stop;
    stop.request_stop();

    CHECK_THROWS_AS(gate.enter(stop.get_token()), Error);
}

TEST_CASE("gate: what was refused twice is not asked by any connection for an hour",
          "[F-WM-08][wsman]") {
    ManualClock clock{WallTime{}};
    HostGate gate{clock};
    int asked = 0;
    const auto refuse = [&](const HttpRequest&) {
        ++asked;
        return refused();
    };
    for (int i = 0; i < 10; ++i) {
        Connection connection{clock, gate, refuse};
        CHECK(code_of(connection.client) == ErrorCode::unauthenticated);
    }
    CHECK(asked == 2);
    CHECK(gate.held_back_until());

    clock.advance(limits::kLoginPause);
    CHECK_FALSE(gate.held_back_until());
    Connection later{clock, gate, refuse};
    code_of(later.client);
    CHECK(asked == 3);
}

TEST_CASE("gate: a login that went well takes the refusals back", "[F-WM-08][wsman]") {
    ManualClock clock{WallTime{}};
    HostGate gate{clock};
    gate.note_refusal("wrong password");
    Connection good{clock, gate, [](const HttpRequest& request) {
                        return answer_to(request, "<p:A xmlns:p=\"u\"/>");
                    }};
    CHECK(code_of(good.client) == ErrorCode::internal);
    gate.note_refusal("wrong password");

    CHECK_FALSE(gate.held_back_until());
    gate.note_refusal("wrong password");
    REQUIRE(gate.held_back_until());
    CHECK(gate.last_refusal() == "wrong password");
    try {
        gate.check_login();
        FAIL("it is held back");
    } catch (const LoginError& error) {
        CHECK(error.failure() == LoginFailure::held_back);
        CHECK(error.message().find("wrong password") != std::string::npos);
        CHECK(!error.hint().empty());
    }
}

TEST_CASE("gate: refusals outlive the process, for an hour", "[F-WM-08][wsman]") {
    ManualClock clock{WallTime{std::chrono::hours{100}}};
    LoginRefusals kept;
    const auto keep = [&](const LoginRefusals& refusals) { kept = refusals; };
    {
        HostGate gate{clock, {}, keep};
        gate.note_refusal("wrong password");
    }
    CHECK(kept.count == 1);
    {
        HostGate gate{clock, kept, keep};
        CHECK_FALSE(gate.held_back_until());
        clock.advance(std::chrono::minutes{10});
        gate.note_refusal("wrong password again");
    }
    CHECK(kept.count == 2);
    CHECK(kept.last == clock.wall_now());
    clock.advance(std::chrono::minutes{20});
    HostGate gate{clock, kept, keep};
    REQUIRE(gate.held_back_until());
    CHECK(*gate.held_back_until() == clock.wall_now() + std::chrono::minutes{40});
    CHECK(gate.last_refusal() == "wrong password again");

    gate.note_login();
    CHECK(kept.count == 0);
    kept.count = -1;
    gate.note_login();  // Of every login that goes well: nothing to note.
    CHECK(kept.count == -1);
}

TEST_CASE("gate: what is kept of refusals may be old, of the future, or absurd",
          "[F-WM-08][wsman]") {
    const WallTime now{std::chrono::hours{100}};
    ManualClock clock{now};
    const auto held_back_until = [&](int count, WallTime last) {
        return HostGate{clock, {.count = count, .last = last, .reason = "no"}, {}}
            .held_back_until();
    };
    CHECK_FALSE(held_back_until(2, now - limits::kLoginPause));
    CHECK_FALSE(held_back_until(2, WallTime{}));
    CHECK_FALSE(held_back_until(-7, now));
    // The clock went back since: held back for the pause, not until the future moment.
    CHECK(held_back_until(2, now + std::chrono::hours{9000}) == now + limits::kLoginPause);
    CHECK(held_back_until(2'000'000'000, now) == now + limits::kLoginPause);
}

}  // namespace entrepot::wsman
