// Operations over a scripted connection: retries, lost answers, enumerations that restart.
#include "exporter/wsman/client.h"

#include "base/error.h"
#include "exporter/wsman/fault.h"
#include "tests/unit/exporter/fake_transport.h"

#include <catch2/catch.hpp>

namespace entrepot::wsman {
namespace {

using Handler = FakeTransport::Handler;
constexpr const char* kUri = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/x/Msvm_A";

struct Stage {
    explicit Stage(std::deque<Handler> script) : transport(std::move(script)) {}
    explicit Stage(Handler handler) : transport(std::move(handler)) {}

    ManualClock clock{WallTime{}};
    SeededRandom random{1};
    NullLog log;
    FakeTransport transport;
    Session session{clock, transport, {Scheme::basic, "u", Secret{"p"}, "h"}};
    Client client{{clock, random, log}, session, {.url = "https://h:5986/wsman"}};
};

Handler fails(ErrorCode code) {
    return [code](const HttpRequest&) -> HttpAnswer { throw Error{code, "the line broke"}; };
}

Handler faults(const std::string& subcode, std::uint32_t code) {
    return [=](const HttpRequest& request) { return fault_to(request, subcode, code); };
}

Handler answers(const std::string& body) {
    return [=](const HttpRequest& request) { return answer_to(request, body); };
}

std::string item(int number) {
    return fmt::format("<p:A xmlns:p=\"{}\"><p:N>{}</p:N></p:A>", kUri, number);
}

Handler enumerated(const std::string& context) {
    return answers("<n:EnumerateResponse><n:EnumerationContext>" + context +
                   "</n:EnumerationContext></n:EnumerateResponse>");
}

Handler page(const std::string& context, int number) {
    return answers("<n:PullResponse><n:EnumerationContext>" + context +
                   "</n:EnumerationContext><n:Items>" + item(number) +
                   "</n:Items></n:PullResponse>");
}

Handler last_page(int number) {
    return answers("<n:PullResponse><n:Items>" + item(number) +
                   "</n:Items><n:EndOfSequence/></n:PullResponse>");
}

Handler first_page_of_all(int number) {
    return answers("<n:EnumerateResponse><n:EnumerationContext/><w:Items>" + item(number) +
                   "</w:Items><w:EndOfSequence/></n:EnumerateResponse>");
}

template <typename Body>
ErrorCode code_of(Body&& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::internal;
}

}  // namespace

TEST_CASE("client: a Get is repeated with growing pauses, then given up", "[F-WM-01][wsman]") {
    Stage stage{Handler{fails(ErrorCode::unreachable)}};
    const SteadyTime start = stage.clock.steady_now();

    CHECK(code_of([&] { stage.client.get({kUri, {}}, {}); }) == ErrorCode::unreachable);
    CHECK(stage.transport.requests.size() == 4);
    // A quarter of each pause is left to chance.
    const auto pauses = stage.clock.steady_now() - start;
    CHECK(pauses >= std::chrono::milliseconds{5'250});
    CHECK(pauses <= std::chrono::milliseconds{8'750});
}

TEST_CASE("client: quotas are waited out", "[wsman]") {
    Stage stage{
        {faults("QuotaLimit", 0x803381A6), faults("QuotaLimit", 0x803381A7), answers(item(7))}};

    CHECK(stage.client.get({kUri, {}}, {}).children.at(0).text == "7");
}

TEST_CASE("client: what is refused is not asked again", "[wsman]") {
    Stage stage{{faults("AccessDenied", 5)}};

    CHECK(code_of([&] { stage.client.get({kUri, {}}, {}); }) == ErrorCode::access_denied);
}

TEST_CASE("client: a call that acts is never sent twice", "[F-WM-15][wsman]") {
    const auto handler = GENERATE(values<int>({0, 1, 2}));
    const Handler handlers[] = {fails(ErrorCode::unreachable), faults("TimedOut", 0x80338029),
                                faults("InternalError", 0x80338003)};
    Stage stage{{handlers[handler]}};

    CHECK_THROWS_AS(stage.client.invoke({kUri, {}}, "Do", "", Repeat::forbidden, {}), Error);
    CHECK(stage.transport.requests.size() == 1);
}

TEST_CASE("client: before a call that acts an idle connection is tried", "[wsman]") {
    const auto identified = [](const HttpRequest&) {
        return soap(200, fmt::format("<s:Envelope xmlns:s=\"{}\"><s:Body><i:IdentifyResponse "
                                     "xmlns:i=\"{}\"/></s:Body></s:Envelope>",
                                     ns::kSoap, ns::kIdentity));
    };
    Stage stage{{answers(item(1)), identified,
                 answers("<p:Do_OUTPUT xmlns:p=\"x\"><p:ReturnValue>0</p:ReturnValue>"
                         "</p:Do_OUTPUT>")}};
    stage.client.get({kUri, {}}, {});
    stage.clock.advance(std::chrono::minutes{5});

    CHECK(stage.client.invoke({kUri, {}}, "Do", "", Repeat::forbidden, {}).name == "Do_OUTPUT");
    CHECK(stage.transport.requests.at(1).body.find("Identify") != std::string::npos);
}

TEST_CASE("client: answers to somebody else are refused", "[F-WM-07][wsman]") {
    const auto stale = [](const HttpRequest& request) {
        return answer_to(request, item(1), 200, {}, "uuid:00000000-0000-0000-0000-000000000000");
    };
    const auto wrong_action = [](const HttpRequest& request) {
        return answer_to(request, item(1), 200,
                         "http://schemas.xmlsoap.org/ws/2004/09/transfer/PutResponse");
    };
    const auto no_soap = [](const HttpRequest&) {
        HttpAnswer answer;
        answer.status = 200;
        answer.headers = {{"content-type", "text/html"}};
        answer.body = "<html/>";
        return answer;
    };
    const auto redirect = [](const HttpRequest&) {
        HttpAnswer answer;
        answer.status = 302;
        answer.headers = {{"location", "https://elsewhere/"}};
        return answer;
    };
    for (const Handler& handler :
         {Handler{stale}, Handler{wrong_action}, Handler{no_soap}, Handler{redirect}}) {
        Stage stage{{handler}};
        CHECK(code_of([&] { stage.client.get({kUri, {}}, {}); }) == ErrorCode::protocol);
    }
}

TEST_CASE("client: what no WinRM answers is refused with what to look at", "[F-WM-10][wsman]") {
    const auto refusal = [](const HttpAnswer& answer) {
        Stage stage{Handler{[=](const HttpRequest&) { return answer; }}};
        try {
            stage.client.enumerate(kUri, "", {});
        } catch (const Error& error) {
            return error;
        }
        return Error{ErrorCode::internal, "taken"};
    };
    const Error moved = refusal({307, {{"location", "http://x/"}}, ""});
    CHECK(moved.code() == ErrorCode::protocol);
    CHECK(moved.message().find("307") != std::string::npos);
    CHECK(moved.hint().find("not followed") != std::string::npos);
    const Error strange = refusal(soap(200, "<!DOCTYPE x><x/>"));
    CHECK(strange.code() == ErrorCode::protocol);
    CHECK(strange.hint().find("proxy") != std::string::npos);
}

TEST_CASE("client: an enumeration follows the newest context to its end", "[wsman]") {
    Stage stage{{enumerated("c1"), page("c2", 1), page("c3", 2), last_page(3)}};

    const auto items = stage.client.enumerate(kUri, "", {});
    REQUIRE(items.size() == 3);
    CHECK(items[2].children.at(0).text == "3");
    const auto& sent = stage.transport.requests;
    CHECK(sent[1].body.find(">c1<") != std::string::npos);
    CHECK(sent[2].body.find(">c2<") != std::string::npos);
    CHECK(sent[3].body.find(">c3<") != std::string::npos);
}

TEST_CASE("client: items of an optimized answer are taken", "[wsman]") {
    Stage stage{{first_page_of_all(9)}};

    CHECK(stage.client.enumerate(kUri, "SELECT * FROM A WHERE x < 1", {}).size() == 1);
    CHECK(stage.transport.requests[0].body.find("x &lt; 1") != std::string::npos);
}

TEST_CASE("client: an enumeration that is lost starts from scratch", "[F-WM-14][wsman]") {
    Stage stage{{enumerated("c1"), page("c2", 1), faults("InvalidEnumerationContext", 0),
                 enumerated("d1"), page("d2", 1), last_page(2)}};

    CHECK(stage.client.enumerate(kUri, "", {}).size() == 2);
    CHECK(stage.transport.is_script_done());
}

TEST_CASE("client: a lost answer to a Pull restarts the enumeration", "[wsman]") {
    Stage stage{{enumerated("c1"), fails(ErrorCode::unreachable), enumerated("d1"), last_page(1)}};

    CHECK(stage.client.enumerate(kUri, "", {}).size() == 1);
}

TEST_CASE("client: a Pull that timed out is repeated with its context", "[F-WM-11][wsman]") {
    Stage stage{{enumerated("c1"), faults("TimedOut", 0x80338029), last_page(1)}};

    CHECK(stage.client.enumerate(kUri, "", {}).size() == 1);
    CHECK(stage.transport.requests[2].body.find(">c1<") != std::string::npos);
}

TEST_CASE("client: an answer that is too large is asked for in parts", "[F-WM-13][wsman]") {
    Stage stage{{enumerated("c1"), faults("EncodingLimit", 0x80338048), answers(""),
                 enumerated("d1"), last_page(1)}};

    CHECK(stage.client.enumerate(kUri, "", {}).size() == 1);
    CHECK(stage.transport.requests[1].body.find("<n:MaxElements>100<") != std::string::npos);
    CHECK(stage.transport.requests[2].body.find("<n:Release>") != std::string::npos);
    CHECK(stage.transport.requests[4].body.find("<n:MaxElements>25<") != std::string::npos);
}

TEST_CASE("client: a part of a list is never returned", "[wsman]") {
    Stage stage{Handler{[](const HttpRequest& request) {
        if (action_of(request).ends_with("Enumerate")) return enumerated("c")(request);
        if (request.body.find(">c<") != std::string::npos) return page("d", 1)(request);
        return fault_to(request, "InvalidEnumerationContext", 0);
    }}};

    CHECK_THROWS_AS(stage.client.enumerate(kUri, "", {}), Error);
}

TEST_CASE("client: a stop ends waiting", "[wsman]") {
    std::stop_source stop;
    Stage stage{Handler{[&](const HttpRequest&) -> HttpAnswer {
        stop.request_stop();
        throw Error{ErrorCode::unreachable, "gone"};
    }}};

    CHECK(code_of([&] { stage.client.get({kUri, {}}, stop.get_token()); }) == ErrorCode::cancelled);
    CHECK(stage.transport.requests.size() == 1);
}

TEST_CASE("client: references and associations are asked for as DMTF writes them", "[wsman]") {
    Stage stage{std::deque<Handler>{first_page_of_all(1)}};
    const EnumerationRequest request{
        .resource_uri = kUri,
        .association = AssociationFilter{.object = {kUri, {{"InstanceID", "Microsoft:1"}}},
                                         .association_class = "Msvm_SettingsDefineState",
                                         .result_class = "Msvm_VirtualSystemSettingData"},
        .mode = EnumerationMode::references};

    CHECK(stage.client.enumerate(request, {}).size() == 1);
    const std::string& body = stage.transport.requests.at(0).body;
    CHECK(body.find("<w:EnumerationMode>EnumerateEPR</w:EnumerationMode>") != std::string::npos);
    CHECK(body.find("cimbinding/associationFilter") != std::string::npos);
    CHECK(body.find("Microsoft:1</w:Selector></w:SelectorSet></a:ReferenceParameters></b:Object>"
                    "<b:AssociationClassName>Msvm_SettingsDefineState</b:AssociationClassName>"
                    "<b:ResultClassName>Msvm_VirtualSystemSettingData</b:ResultClassName>") !=
          std::string::npos);
}

TEST_CASE("client: a Put is sent once and may be answered with nothing", "[wsman]") {
    Stage stage{std::deque<Handler>{answers(item(2)), answers(""), fails(ErrorCode::unreachable)}};
    const EndpointReference target{kUri, {{"InstanceID", "1"}}};

    const auto put = stage.client.put(target, item(1), {});
    REQUIRE(put);
    CHECK(put->children.at(0).text == "2");
    CHECK_FALSE(stage.client.put(target, item(1), {}));
    CHECK(code_of([&] { stage.client.put(target, item(1), {}); }) == ErrorCode::unreachable);
    CHECK(stage.transport.requests.at(0).body.find("transfer/Put") != std::string::npos);
    CHECK(stage.transport.requests.size() == 3);
}

TEST_CASE("client: a method that timed out is asked once, and said to be of unknown outcome",
          "[F-WM-11][wsman]") {
    Stage stage{std::deque<Handler>{faults("TimedOut", 0x80338029)}};

    CHECK(code_of([&] {
              stage.client.invoke({kUri, {}}, "Start", "", Repeat::forbidden, {});
          }) == ErrorCode::timeout);
    CHECK(stage.transport.requests.size() == 1);
}

TEST_CASE("client: a call that a quota turned away is made again, it had not begun", "[wsman]") {
    const Handler done = answers("<p:Start_OUTPUT xmlns:p=\"u\"/>");
    Stage stage{std::deque<Handler>{faults("QuotaLimit", 0x803381A6),
                                    faults("QuotaLimit", 0x803381A7), done}};

    stage.client.invoke({kUri, {}}, "Start", "", Repeat::forbidden, {});
    CHECK(stage.transport.requests.size() == 3);
    CHECK(stage.clock.steady_now() - SteadyTime{} >= std::chrono::seconds{2});
}

TEST_CASE("client: a quota that stays used up is waited for in minutes, not in attempts",
          "[F-WM-12][wsman]") {
    Stage stage{Handler{faults("QuotaLimit", 0x803381A6)}};

    CHECK(code_of([&] { stage.client.get({kUri, {}}, {}); }) == ErrorCode::busy);
    const auto waited = stage.clock.steady_now() - SteadyTime{};
    CHECK(waited >= limits::kQuotaPatience);
    CHECK(waited < limits::kQuotaPatience + std::chrono::minutes{1});
    CHECK(stage.transport.requests.size() < 60);
}

TEST_CASE("client: an enumeration waits for a quota once, not once a restart", "[F-WM-12][wsman]") {
    Stage stage{Handler{faults("QuotaLimit", 0x803381A6)}};

    CHECK(code_of([&] { stage.client.enumerate(kUri, "", {}); }) == ErrorCode::busy);
    const auto waited = stage.clock.steady_now() - SteadyTime{};
    CHECK(waited >= limits::kQuotaPatience);
    CHECK(waited < limits::kQuotaPatience + std::chrono::minutes{1});
}

TEST_CASE("client: HTTP 503 is waited for like a quota", "[F-WM-12][wsman]") {
    const Handler unavailable = [](const HttpRequest&) {
        HttpAnswer answer;
        answer.status = 503;
        return answer;
    };
    Stage stage{std::deque<Handler>{unavailable, unavailable, unavailable, unavailable, unavailable,
                                    answers("<p:Do_OUTPUT xmlns:p=\"u\"/>")}};

    stage.client.invoke({kUri, {}}, "Do", "", Repeat::forbidden, {});
    CHECK(stage.transport.is_script_done());
}

TEST_CASE("client: a Pull that a quota turned away goes on where it was", "[F-WM-12][wsman]") {
    Stage stage{std::deque<Handler>{enumerated("c1"), page("c2", 1),
                                    faults("QuotaLimit", 0x803381A6), last_page(2)}};

    CHECK(stage.client.enumerate(kUri, "", {}).size() == 2);
    CHECK(stage.transport.requests.back().body.find(">c2<") != std::string::npos);
}

TEST_CASE("client: the first of many is read, and the rest given back", "[wsman]") {
    SECTION("optimized") {
        Stage stage{std::deque<Handler>{
            answers(
                "<n:EnumerateResponse><n:EnumerationContext>c1</n:EnumerationContext><w:Items>" +
                item(1) + "</w:Items></n:EnumerateResponse>"),
            answers("")}};
        CHECK(stage.client.enumerate_first({.resource_uri = kUri}, {}));
        CHECK(action_of(stage.transport.requests.at(1)).ends_with("/Release"));
        CHECK(stage.transport.requests.at(0).body.find("<w:MaxElements>1<") != std::string::npos);
    }
    SECTION("pulled") {
        Stage stage{std::deque<Handler>{enumerated("c1"), page("c2", 1), answers("")}};
        CHECK(stage.client.enumerate_first({.resource_uri = kUri}, {}));
        CHECK(action_of(stage.transport.requests.at(2)).ends_with("/Release"));
    }
    SECTION("none") {
        Stage stage{std::deque<Handler>{
            answers("<n:EnumerateResponse><n:EnumerationContext/><w:Items/><w:EndOfSequence/>"
                    "</n:EnumerateResponse>")}};
        CHECK_FALSE(stage.client.enumerate_first({.resource_uri = kUri}, {}));
    }
}

TEST_CASE("client: who reads a list piece by piece is told to start over", "[F-WM-14][wsman]") {
    Stage stage{std::deque<Handler>{enumerated("c1"), page("c2", 1),
                                    faults("InvalidEnumerationContext", 0), enumerated("d1"),
                                    page("d2", 5), last_page(6)}};
    std::vector<std::string> seen;

    stage.client.enumerate(
        {.resource_uri = kUri}, [&] { seen.clear(); },
        [&](XmlElement&& one) { seen.push_back(one.children.at(0).text); }, {});
    CHECK(seen == std::vector<std::string>{"5", "6"});
}

TEST_CASE("client: an item that is nonsense ends the enumeration at the host, too", "[wsman]") {
    Stage stage{std::deque<Handler>{enumerated("c1"), page("c2", 1), answers("")}};

    CHECK(code_of([&] {
              stage.client.enumerate(
                  {.resource_uri = kUri}, [] {},
                  [](XmlElement&&) {
                      throw Error{ErrorCode::protocol, "nonsense"};
                  },
                  {});
          }) == ErrorCode::protocol);
    CHECK(action_of(stage.transport.requests.back()).ends_with("/Release"));
    CHECK(stage.transport.requests.back().body.find(">c2<") != std::string::npos);
}

}  // namespace entrepot::wsman
