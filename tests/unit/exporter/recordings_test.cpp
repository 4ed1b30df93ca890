// Answers of real hosts through the whole client: the operation that each belongs to must
// understand it. Skips where the recordings are not at hand.
#include "base/error.h"
#include "exporter/cim/embedded_instance.h"
#include "exporter/cim/instance.h"
#include "exporter/wsman/client.h"
#include "exporter/wsman/fault.h"
#include "tests/unit/exporter/fake_transport.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

namespace entrepot::wsman {
namespace {

constexpr const char* kUri =
    "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/Msvm_X";

std::filesystem::path recordings() {
    const char* shared = std::getenv("ENTREPOT_SHARED");
    const std::filesystem::path root =
        shared != nullptr ? std::filesystem::path{shared}
                          : std::filesystem::path{ENTREPOT_SOURCE_DIR}.parent_path() / "shared";
    return root / "data" / "wsman";
}

/// All envelopes of a file that answer something.
std::vector<std::string> answers_in(const std::filesystem::path& file) {
    std::ifstream in{file};
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    std::vector<std::string> found;
    for (std::size_t start = text.find("<s:Envelope"); start != std::string::npos;
         start = text.find("<s:Envelope", start + 1)) {
        const std::size_t end = text.find("</s:Envelope>", start);
        if (end == std::string::npos) break;
        const std::string one = text.substr(start, end - start + 13);
        const bool is_answer = one.find("RelatesTo") != std::string::npos ||
                               one.find("Response") != std::string::npos ||
                               one.find("Fault") != std::string::npos;
        if (is_answer) found.push_back(one);
    }
    return found;
}

/// The recorded answer as one to `request`: of its action, with its message's id.
HttpAnswer replayed(std::string text, const HttpRequest& request) {
    const std::string id = text_between(request.body, "<a:MessageID>", "</a:MessageID>");
    const bool is_fault = text.find(":Fault>") != std::string::npos;
    text = std::regex_replace(text, std::regex{"(<a:RelatesTo>)[^<]*(<)"}, "$1" + id + "$2");
    if (text.find("<a:RelatesTo>") == std::string::npos) {
        text = std::regex_replace(text, std::regex{"<s:Header>|<s:Header/>"},
                                  "<s:Header><a:RelatesTo>" + id + "</a:RelatesTo>",
                                  std::regex_constants::format_first_only);
    }
    return soap(is_fault ? 500 : 200, text);
}

}  // namespace

TEST_CASE("recordings: the client understands every answer of real hosts", "[wsman]") {
    if (!std::filesystem::exists(recordings())) {
        WARN("skipped: no recorded answers in " << recordings());
        return;
    }
    int instances = 0;
    int outputs = 0;
    int faults = 0;
    int contexts = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{recordings()}) {
        const std::string type = entry.path().extension();
        if (type != ".xml" && type != ".yml") continue;
        for (const std::string& text : answers_in(entry.path())) {
            INFO(entry.path());
            const Answer answer = decode_answer(text);
            if (answer.find_fault() != nullptr) {
                const Fault fault{decode_fault(answer.body), "asking"};
                CHECK_FALSE(fault.message().empty());
                CHECK(fault.code() != ErrorCode::internal);
                ++faults;
                continue;
            }
            for (const XmlElement& child : answer.body.children) {
                if (child.name == "EnumerateResponse") {
                    CHECK_FALSE(child.child(ns::kEnumeration, "EnumerationContext").text.empty());
                    ++contexts;
                } else if (child.name == "PullResponse") {
                    for (const XmlElement& item : child.child(ns::kEnumeration, "Items").children) {
                        CHECK_FALSE(cim::decode_instance(item).class_name().empty());
                        ++instances;
                    }
                } else if (child.name.ends_with("_OUTPUT")) {
                    CHECK(cim::decode_instance(child).find_number("ReturnValue"));
                    ++outputs;
                } else if (child.name.starts_with("Msvm_")) {
                    CHECK(cim::decode_instance(child).class_name() == child.name);
                    ++instances;
                }
            }
        }
    }
    CHECK(instances >= 15);
    CHECK(outputs >= 3);
    CHECK(faults >= 5);
    CHECK(contexts >= 2);
}

TEST_CASE("recordings: an enumeration of a real host is pulled to its end", "[wsman]") {
    const auto directory = recordings() / "go-wsman";
    if (!std::filesystem::exists(directory)) {
        WARN("skipped: no recorded answers in " << directory);
        return;
    }
    std::deque<FakeTransport::Handler> script;
    for (const char* part : {"enumerate", "pull_host", "pull_vm_running_a", "pull_vm_running_b",
                             "pull_vm_off", "pull_vm_running_c_eos"}) {
        const auto file = directory / (std::string{"recorded_computersystem_"} + part + ".xml");
        const std::string text = answers_in(file).at(0);
        script.push_back([text](const HttpRequest& request) { return replayed(text, request); });
    }
    FakeTransport transport{std::move(script)};
    ManualClock clock{WallTime{}};
    SeededRandom random{1};
    NullLog log;
    Session session{clock, transport, {Scheme::basic, "u", Secret{"p"}, "h"}};
    Client client{{clock, random, log}, session, {.url = "https://h:5986/wsman"}};

    const auto items = client.enumerate(kUri, "", {});
    REQUIRE(items.size() == 5);
    CHECK(cim::decode_instance(items.at(1)).number("EnabledState") == 2);
    CHECK(transport.is_script_done());
    // Each answer had another context, and the newest was sent.
    const auto& sent = transport.requests;
    CHECK(text_between(sent.at(1).body, "<n:EnumerationContext>", "<") !=
          text_between(sent.at(2).body, "<n:EnumerationContext>", "<"));
}

}  // namespace entrepot::wsman
