// Object paths, embedded instances and endpoint references, there and back.
#include "base/error.h"
#include "exporter/cim/embedded_instance.h"
#include "exporter/cim/instance.h"
#include "exporter/cim/object_path.h"
#include "exporter/cim/wmi_namespace.h"
#include "exporter/wsman/namespaces.h"

#include <catch2/catch.hpp>

namespace entrepot::cim {

TEST_CASE("object path: backslashes and quotes are escaped as WMI wants it", "[cim]") {
    const ObjectPath path{"HV01",
                          "root/virtualization/v2",
                          "Msvm_X",
                          {{"InstanceID", "Microsoft:A\\0\\L"}, {"Name", "a\"b'c=,"}}};

    CHECK(path.to_string() ==
          "\\\\HV01\\root\\virtualization\\v2:Msvm_X.InstanceID=\"Microsoft:A\\\\0\\\\L\","
          "Name=\"a\\\"b'c=,\"");
    CHECK(path.to_wql() == "Msvm_X.InstanceID='Microsoft:A\\\\0\\\\L',Name='a\"b\\'c=,'");
    CHECK(parse_object_path(path.to_string()) == path);
}

TEST_CASE("object path: every form that hosts write is read", "[cim]") {
    using Row = std::tuple<std::string, std::string, std::string>;
    const auto [text, server, name_space] = GENERATE(values<Row>({
        {"\\\\HV01\\root\\virtualization\\v2:Msvm_X.InstanceID=\"Microsoft:A\\\\0\"", "HV01",
         "root/virtualization/v2"},
        {"//HV01/root/virtualization/v2:Msvm_X.InstanceID='Microsoft:A\\\\0'", "HV01",
         "root/virtualization/v2"},
        {"root/virtualization/v2:Msvm_X.InstanceID=\"Microsoft:A\\\\0\"", "",
         "root/virtualization/v2"},
        {"Msvm_X.InstanceID=\"Microsoft:A\\\\0\"", "", ""},
    }));
    const auto path = parse_object_path(text);

    REQUIRE(path);
    CHECK(path->server == server);
    CHECK(path->name_space == name_space);
    CHECK(path->class_name == "Msvm_X");
    CHECK(path->key("InstanceID") == "Microsoft:A\\0");
}

TEST_CASE("object path: garbage is no path", "[cim]") {
    const auto text = GENERATE(values<std::string>(
        {"", "C:\\vm\\disk.vhdx", "\\\\x", "A.", "A.B", "A.B=\"open", "A.B=\"x\"y", "A.=\"x\""}));

    INFO(text);
    CHECK(!parse_object_path(text));
}

TEST_CASE("object path: becomes an endpoint reference and comes back", "[cim]") {
    const ObjectPath path{"", "root/virtualization/v2", "Msvm_X", {{"InstanceID", "a\\b<"}}};
    const auto reference = to_endpoint_reference(path);

    CHECK(reference.resource_uri ==
          "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/Msvm_X");
    CHECK(to_object_path(reference) == path);
    const std::string xml = std::string{"<p:Job xmlns:p='x' xmlns:a='"} +
                            std::string{wsman::ns::kAddressing} + "' xmlns:w='" +
                            std::string{wsman::ns::kWsman} + "'>" +
                            wsman::encode_endpoint_reference(reference) + "</p:Job>";
    CHECK(wsman::decode_endpoint_reference(wsman::parse_xml(xml, "a test")) == reference);
}

TEST_CASE("embedded instance: values use numeric references and come back", "[cim]") {
    const std::string hostile = "R&D <x> \"q\" 'a' \\ ]]>\xC3\xA4";
    EmbeddedInstance out{"Msvm_T"};
    out.text("Name", hostile).boolean("On", false).u8("Level", 1).texts("List", {"a&b", ""});

    const std::string xml = out.to_xml();
    CHECK(xml.find("&amp;") == std::string::npos);
    CHECK(xml.find("R&#38;D &#60;x&#62; &#34;q&#34; &#39;a&#39;") != std::string::npos);
    CHECK(xml.find("<PROPERTY NAME=\"On\" TYPE=\"boolean\"><VALUE>false</VALUE>") !=
          std::string::npos);

    const Instance in = decode_embedded_instance(xml);
    CHECK(in.class_name() == "Msvm_T");
    CHECK(in.text("Name") == hostile);
    CHECK(!in.flag("On"));
    CHECK(in.number("Level") == 1);
    CHECK(in.texts("List") == std::vector<std::string>{"a&b", ""});
}

TEST_CASE("embedded instance: null and empty differ, and XML declarations are taken", "[cim]") {
    const Instance in = decode_embedded_instance(
        "<?xml version=\"1.0\"?>\n <INSTANCE CLASSNAME=\"A\"><PROPERTY NAME=\"N\" "
        "PROPAGATED=\"true\" TYPE=\"uint64\"></PROPERTY>\n<PROPERTY NAME=\"E\" TYPE=\"string\">"
        "<VALUE></VALUE></PROPERTY></INSTANCE>");

    CHECK(in.has_property("N"));
    CHECK(!in.find_text("N"));
    CHECK(in.find_text("E") == "");
    CHECK_THROWS_AS(decode_embedded_instance("<OTHER/>"), Error);
}

TEST_CASE("embedded instance: a control character is refused before it is sent", "[cim]") {
    EmbeddedInstance out{"A"};
    CHECK_THROWS_AS(out.text("Name", std::string{"a\0b", 3}), Error);
}

TEST_CASE("instance: types are checked when they are asked for", "[cim]") {
    const auto decode = [](const std::string& inside) {
        return decode_instance(
            wsman::parse_xml("<p:A xmlns:p='x' xmlns:i='http://www.w3.org/2001/XMLSchema-instance' "
                             "xmlns:c='http://schemas.dmtf.org/wbem/wscim/1/common'>" +
                                 inside + "</p:A>",
                             "a test"));
    };
    const Instance in = decode(
        "<p:Big>18446744073709551615</p:Big><p:Minus>-1</p:Minus><p:Word>x</p:Word>"
        "<p:Nil i:nil='true'/><p:Many>1</p:Many><p:Many>2</p:Many><p:Yes>TRUE</p:Yes>"
        "<p:When><c:Datetime>2025-12-17T09:55:22.702341Z</c:Datetime></p:When>"
        "<p:Never><c:Datetime>1601-01-01T00:00:00Z</c:Datetime></p:Never>");

    CHECK(in.number("Big") == 18446744073709551615ULL);
    CHECK_THROWS_AS(in.u32("Big"), Error);
    CHECK_THROWS_AS(in.number("Minus"), Error);
    CHECK_THROWS_AS(in.number("Word"), Error);
    CHECK_THROWS_AS(in.flag("Word"), Error);
    CHECK(!in.find_number("Nil"));
    CHECK(in.number("Nil") == 0);
    CHECK(in.u16s("Many") == std::vector<std::uint16_t>{1, 2});
    CHECK(in.flag("Yes"));
    CHECK(in.time("When") == "2025-12-17T09:55:22.702Z");
    CHECK(in.time("Never").empty());
}

TEST_CASE("method input: null, times and lists of references have their form", "[cim]") {
    MethodInput input;
    input.null("A")
        .datetime("B", *parse_time("2026-01-31T08:15:00.250Z"))
        .interval("C", std::chrono::hours{25} + std::chrono::seconds{3})
        .references("D", {{"", "root/v2", "X", {{"K", "1"}}}, {"", "root/v2", "X", {{"K", "2"}}}});

    const wsman::XmlElement read = wsman::parse_xml(
        "<r xmlns:p=\"u\" xmlns:a=\"" + std::string{wsman::ns::kAddressing} + "\" xmlns:w=\"" +
            std::string{wsman::ns::kWsman} + "\">" + input.xml() + "</r>",
        "parameters");
    REQUIRE(read.children.size() == 5);
    CHECK(read.children[0].attribute(wsman::ns::kXsi, "nil") == "true");
    CHECK(read.children[1].child(wsman::ns::kCim, "Datetime").text == "2026-01-31T08:15:00.250Z");
    CHECK(read.children[2].child(wsman::ns::kCim, "Interval").text == "P1DT1H0M3S");
    const auto second = wsman::decode_endpoint_reference(read.children[4]);
    REQUIRE(second);
    CHECK(second->selector("K") == "2");
}

}  // namespace entrepot::cim