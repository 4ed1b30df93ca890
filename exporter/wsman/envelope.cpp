// The header block of requests and the frame of answers (wsman 3; DSP0226 5 to 6).
#include "exporter/wsman/envelope.h"

#include "base/error.h"
#include "exporter/wsman/namespaces.h"

#include <fmt/format.h>

namespace entrepot::wsman {

std::string write_envelope(const RequestHeader& header, std::string_view body) {
    return fmt::format(
        "<s:Envelope xmlns:s=\"{soap}\" xmlns:a=\"{addressing}\" xmlns:n=\"{enumeration}\""
        " xmlns:w=\"{wsman}\" xmlns:m=\"{microsoft}\"><s:Header>"
        "<a:Action s:mustUnderstand=\"true\">{action}</a:Action><a:To>{to}</a:To>"
        "<w:ResourceURI s:mustUnderstand=\"true\">{uri}</w:ResourceURI>"
        "<a:MessageID>{id}</a:MessageID>"
        "<a:ReplyTo><a:Address s:mustUnderstand=\"true\">{anonymous}</a:Address></a:ReplyTo>"
        "<w:MaxEnvelopeSize s:mustUnderstand=\"true\">{size}</w:MaxEnvelopeSize>"
        "<w:OperationTimeout>PT{timeout}S</w:OperationTimeout>"
        "<w:Locale xml:lang=\"en-US\" s:mustUnderstand=\"false\"/>"
        "<m:DataLocale xml:lang=\"en-US\" s:mustUnderstand=\"false\"/>"
        "<m:SessionId s:mustUnderstand=\"false\">{session}</m:SessionId>{selectors}"
        "</s:Header><s:Body>{body}</s:Body></s:Envelope>",
        fmt::arg("soap", ns::kSoap), fmt::arg("addressing", ns::kAddressing),
        fmt::arg("enumeration", ns::kEnumeration), fmt::arg("wsman", ns::kWsman),
        fmt::arg("microsoft", ns::kMicrosoft), fmt::arg("action", escape_xml(header.action)),
        fmt::arg("to", escape_xml(header.to)),
        fmt::arg("uri", escape_xml(header.target.resource_uri)),
        fmt::arg("id", escape_xml(header.message_id)), fmt::arg("anonymous", ns::kAnonymous),
        fmt::arg("size", header.envelope_bytes_max),
        fmt::arg("timeout", header.operation_timeout.count()),
        fmt::arg("session", escape_xml(header.session_id)),
        fmt::arg("selectors", encode_selector_set(header.target)), fmt::arg("body", body));
}

std::string write_identify() {
    return fmt::format(
        "<s:Envelope xmlns:s=\"{}\" xmlns:i=\"{}\"><s:Header/><s:Body><i:Identify/></s:Body>"
        "</s:Envelope>",
        ns::kSoap, ns::kIdentity);
}

const XmlElement* Answer::find_fault() const {
    return body.find(ns::kSoap, "Fault");
}

Answer decode_answer(std::string_view text) {
    XmlElement envelope = parse_xml(text, "the host's answer");
    if (!envelope.is(ns::kSoap, "Envelope")) {
        throw Error{
            ErrorCode::protocol,
            fmt::format("the host's answer is {} instead of a SOAP 1.2 envelope", envelope.name)};
    }
    Answer answer;
    if (const XmlElement* header = envelope.find(ns::kSoap, "Header")) {
        const auto text_of = [&](std::string_view name) {
            const XmlElement* found = header->find(ns::kAddressing, name);
            return found == nullptr ? std::string{} : found->trimmed_text();
        };
        answer.action = text_of("Action");
        answer.relates_to = text_of("RelatesTo");
    }
    std::size_t body_count = 0;
    for (XmlElement& child : envelope.children) {
        if (!child.is(ns::kSoap, "Body")) continue;
        ++body_count;
        answer.body = std::move(child);
    }
    if (body_count != 1) {
        throw Error{ErrorCode::protocol,
                    fmt::format("the host's answer has {} bodies", body_count)};
    }
    // QNames in text, such as a fault's subcode, may use prefixes of the envelope.
    answer.body.declared.insert(answer.body.declared.begin(), envelope.declared.begin(),
                                envelope.declared.end());
    return answer;
}

}  // namespace entrepot::wsman
