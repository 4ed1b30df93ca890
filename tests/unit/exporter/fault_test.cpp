// Faults: decoding, mapping, and codes out of words in any language.
#include "exporter/wsman/fault.h"

#include "exporter/hyperv/hresult.h"
#include "exporter/wsman/envelope.h"
#include "tests/unit/exporter/fake_transport.h"

#include <catch2/catch.hpp>

namespace entrepot::wsman {
namespace {

WsmanFault decode(const std::string& subcode, std::uint32_t code, const std::string& text) {
    return decode_fault(decode_answer(fault_to({}, subcode, code, text).body).body);
}

}  // namespace

TEST_CASE("fault: the innermost code explains, the subcode is resolved", "[wsman]") {
    const std::string body = fmt::format(
        "<s:Envelope xmlns:s=\"{}\" xmlns:q=\"urn:q\"><s:Body><s:Fault><s:Code>"
        "<s:Value>s:Receiver</s:Value><s:Subcode><s:Value>q:InternalError</s:Value></s:Subcode>"
        "</s:Code><s:Detail><f:WSManFault xmlns:f=\"{}\" Code=\"2150858778\"><f:Message>"
        "<f:ProviderFault provider=\"WMI\">a<f:WSManFault Code=\"2147749890\"><f:Message>Nicht "
        "gefunden. </f:Message></f:WSManFault></f:ProviderFault></f:Message></f:WSManFault>"
        "</s:Detail></s:Fault></s:Body></s:Envelope>",
        ns::kSoap, ns::kWsmanFault);
    const WsmanFault fault = decode_fault(decode_answer(body).body);

    CHECK(fault.subcode == "InternalError");
    CHECK(fault.subcode_name_space == "urn:q");
    CHECK(fault.code == 0x8033801A);
    CHECK(fault.provider_code == 0x80041002);
    CHECK(fault.text == "a / Nicht gefunden.");
    const Fault thrown{fault, "Get of Msvm_X"};
    CHECK(thrown.code() == ErrorCode::not_found);
    CHECK(thrown.message().find("Get of Msvm_X") == 0);
    CHECK(thrown.message().find("Nicht gefunden.") != std::string::npos);
}

TEST_CASE("fault: codes become ours", "[wsman]") {
    using Row = std::tuple<std::string, std::uint32_t, ErrorCode>;
    const auto [subcode, code, expected] = GENERATE(values<Row>({
        {"AccessDenied", 5, ErrorCode::access_denied},
        {"AccessDenied", 0, ErrorCode::access_denied},
        {"DestinationUnreachable", 0, ErrorCode::not_found},
        {"DestinationUnreachable", 0x80338000, ErrorCode::not_found},
        {"DestinationUnreachable", 0x8004100E, ErrorCode::unsupported},
        {"QuotaLimit", 0x803381A6, ErrorCode::busy},
        {"TimedOut", 0x80338029, ErrorCode::timeout},
        {"EncodingLimit", 0x80338048, ErrorCode::limit},
        {"SchemaValidationError", 0x80338041, ErrorCode::protocol},
        {"Whatever", 0x12345678, ErrorCode::host_failure},
    }));

    CHECK(Fault{decode(subcode, code, "x"), "r"}.code() == expected);
}

TEST_CASE("hresult: the last code of a localized text is read", "[hyperv]") {
    using Row = std::tuple<std::string, std::uint32_t>;
    const auto [text, expected] = GENERATE(values<Row>({
        {"Fehler beim Exportieren: Zugriff verweigert (0x80070005).", 0x80070005},
        {"\xE3\x82\xA8\xE3\x82\xAF\xE3\x82\xB9\xE3\x83\x9D\xE3\x83\xBC\xE3\x83\x88 "
         "\xEF\xBC\x88"
         "0xC03A0029\xEF\xBC\x89\xE3\x80\x82",
         0xC03A0029},
        {"erst (0x80070005), dann (0x80070070)", 0x80070070},
        {"0x800700", 0},
        {"id 0x1234567890", 0},
        {"kein Code", 0},
        {"", 0},
        {"0x", 0},
    }));

    INFO(text);
    CHECK(hyperv::hresult_of_text(text) == expected);
    CHECK(find_last_hresult(text) == expected);
}

TEST_CASE("hresult: the side of a failure decides about a full", "[hyperv]") {
    using hyperv::FailureSide;
    CHECK(hyperv::side_of(0x80070070) == FailureSide::target);
    CHECK(hyperv::side_of(0x80070005) == FailureSide::target);
    CHECK(hyperv::side_of(0xC03A0029) == FailureSide::tracking);
    CHECK(hyperv::side_of(0xC03A0022) == FailureSide::tracking);
    CHECK(hyperv::side_of(0x800423F4) == FailureSide::guest);
    CHECK(hyperv::side_of(0x80070020) == FailureSide::transient);
    CHECK(hyperv::side_of(0) == FailureSide::unknown);
    CHECK(hyperv::explain(0x80070070) == "0x80070070: the disk is full");
    CHECK(hyperv::explain(0x87654321) == "0x87654321");
    CHECK(!hyperv::hint_for(0x80070005).empty());
    CHECK(hyperv::explain_return_code(32775).find("state") != std::string::npos);
    CHECK(hyperv::explain_return_code(5).find("state") != std::string::npos);
}

}  // namespace entrepot::wsman
