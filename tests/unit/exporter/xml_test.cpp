// Hostile and honest XML (threats F-WM-06), and everything that real hosts were recorded to send.
#include "exporter/wsman/xml.h"

#include "base/error.h"
#include "base/file_system.h"
#include "exporter/cim/instance.h"
#include "exporter/wsman/envelope.h"
#include "exporter/wsman/fault.h"
#include "exporter/wsman/namespaces.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>

namespace entrepot::wsman {
namespace {

ErrorCode code_of(const std::string& text) {
    try {
        parse_xml(text, "a test");
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::internal;
}

std::string nested(std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i)
        text += "<a>";
    for (std::size_t i = 0; i < depth; ++i)
        text += "</a>";
    return text;
}

std::filesystem::path shared_data() {
    const char* shared = std::getenv("ENTREPOT_SHARED");
    const std::filesystem::path root =
        shared != nullptr ? shared : std::filesystem::path{ENTREPOT_SOURCE_DIR} / ".." / "shared";
    return root / "data" / "wsman";
}

std::string read(const std::filesystem::path& path) {
    PosixFileSystem files;
    const Bytes bytes = files.read_file(path, 16 * kMiB);
    return std::string{as_text(bytes)};
}

}  // namespace

TEST_CASE("xml: prefixes are resolved where they are declared", "[wsman]") {
    const auto root = parse_xml(
        "<p:a xmlns:p='one'><p:b xmlns:p='two' p:x='1' y='2'/><p:c>t<!-- - -->u</p:c></p:a>",
        "a test");

    CHECK(root.is("one", "a"));
    CHECK(root.children.at(0).is("two", "b"));
    CHECK(root.children.at(0).attribute("two", "x") == "1");
    CHECK(root.children.at(0).attribute("", "y") == "2");
    CHECK(root.children.at(1).is("one", "c"));
    CHECK(root.children.at(1).text == "tu");
}

TEST_CASE("xml: what is no honest document is refused", "[F-WM-06][wsman]") {
    const auto text = GENERATE(values<std::string>({
        "",
        "   ",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "text",
        "<p:a/>",
        "<a p:x='1'/>",
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
        "<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]><l>&b;</l>",
        "<a>&#0;</a>",
        "<a>&#x1;</a>",
        "<a>&#xD800;</a>",
        "<a>&#x110000;</a>",
        "<a>&#99999999999;</a>",
        "<a>&#</a>",
        "<a>\x01</a>",
        "<a>\xC0\x80</a>",
        "<a>\xED\xA0\x80</a>",
        "<a>\xF8\x80</a>",
        "<a>\xFF</a>",
        "<a>\xEF\xBF\xBF</a>",
        "\xFF\xFE<\0a\0",
    }));

    INFO(text);
    CHECK(code_of(text) == ErrorCode::protocol);
}

TEST_CASE("xml: a NUL byte is refused", "[F-WM-06][wsman]") {
    CHECK(code_of(std::string{"<a>x\0y</a>", 10}) == ErrorCode::protocol);
}

TEST_CASE("xml: depth, count and size are bounded", "[F-WM-06][wsman]") {
    CHECK_NOTHROW(parse_xml(nested(64), "a test"));
    CHECK(code_of(nested(65)) == ErrorCode::protocol);
    CHECK(code_of(nested(100'000)) == ErrorCode::protocol);
    CHECK(code_of(nested(260'000)) == ErrorCode::limit);
    CHECK(code_of("<a>" + std::string(8 * kMiB, ' ') + "</a>") == ErrorCode::limit);
    std::string attributes = "<a";
    for (int i = 0; i < 100'000; ++i)
        attributes += " a" + std::to_string(i) + "='1'";
    CHECK(code_of(attributes + "/>") == ErrorCode::protocol);
}

TEST_CASE("xml: escaped text comes back as it was", "[wsman]") {
    const std::string text = "a<b>&\"'\r\n\t\\ \xC3\xA4\xE4\xBB\xAE \xF0\x9F\x98\x80]]>";

    CHECK(parse_xml("<a>" + escape_xml(text) + "</a>", "a test").text == text);
    CHECK(
        parse_xml("<a x=\"" + escape_xml_numeric("<&>\"'") + "\"/>", "a test").attribute("", "x") ==
        "<&>\"'");
    CHECK(escape_xml_numeric("<&>\"'") == "&#60;&#38;&#62;&#34;&#39;");
    CHECK_THROWS_AS(escape_xml("a\x01"), Error);
    CHECK_THROWS_AS(escape_xml("a\xC3"), Error);
}

TEST_CASE("xml: all recorded answers are read", "[wsman]") {
    const auto directory = shared_data();
    if (!std::filesystem::exists(directory)) {
        WARN("skipped: no recorded answers in " << directory);
        return;
    }
    int envelopes = 0;
    int faults = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{directory}) {
        const std::string type = entry.path().extension();
        if (type != ".xml" && type != ".yml") continue;
        INFO(entry.path());
        std::string text = read(entry.path());
        while (text.find("Envelope>") != std::string::npos) {
            const std::size_t start = type == ".xml" ? 0 : text.find("<s:Envelope");
            const std::size_t end = text.find("Envelope>") + std::string_view{"Envelope>"}.size();
            const Answer answer = decode_answer(std::string_view{text}.substr(start, end - start));
            text.erase(0, end);
            ++envelopes;
            if (answer.find_fault() == nullptr) continue;
            ++faults;
            const WsmanFault fault = decode_fault(answer.body);
            CHECK(!fault.subcode.empty());
            CHECK(!fault.subcode_name_space.empty());
            CHECK(!fault.text.empty());
        }
    }
    CHECK(envelopes > 30);
    CHECK(faults >= 5);
}

TEST_CASE("xml: a recorded VM and a recorded association have their values", "[wsman]") {
    const auto directory = shared_data() / "go-wsman";
    if (!std::filesystem::exists(directory)) {
        WARN("skipped: no recorded answers in " << directory);
        return;
    }
    const auto item_of = [&](const char* name) {
        const Answer answer = decode_answer(read(directory / name));
        const XmlElement& pulled = answer.body.child(ns::kEnumeration, "PullResponse");
        return cim::decode_instance(pulled.child(ns::kEnumeration, "Items").children.at(0));
    };
    const auto off = item_of("recorded_computersystem_pull_vm_off.xml");
    CHECK(off.class_name() == "Msvm_ComputerSystem");
    CHECK(off.number("EnabledState") == 3);
    CHECK(off.has_property("ProcessID"));
    CHECK(!off.find_number("ProcessID"));

    const auto row = item_of("recorded_affectedjobelement_pull_created.xml");
    CHECK(row.u16s("ElementEffects") == std::vector<std::uint16_t>{5});
    const auto element = row.reference("AffectedElement");
    REQUIRE(element);
    CHECK(element->selector("InstanceID") == "Microsoft:00000000-0000-4000-8000-000000000083");
}

}  // namespace entrepot::wsman
