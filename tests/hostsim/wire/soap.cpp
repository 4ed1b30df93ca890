// Strict on headers: what Windows does not know and must understand, it refuses.
#include "tests/hostsim/wire/soap.h"

#include "tests/hostsim/cim/xml.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kEnvelopeBytesMin = 8192;
constexpr std::size_t kSelectorCountMax = 50;

bool must_understand(const pugi::xml_node& header) {
    const std::string_view flag = attribute_of(header, ns::kSoap, "mustUnderstand");
    return flag == "true" || flag == "1";
}

struct HeaderName {
    std::string_view name_space;
    std::string_view name;
};

constexpr HeaderName kKnownHeaders[] = {
    {ns::kAddressing, "Action"},     {ns::kAddressing, "To"},
    {ns::kAddressing, "MessageID"},  {ns::kAddressing, "ReplyTo"},
    {ns::kAddressing, "From"},       {ns::kAddressing, "FaultTo"},
    {ns::kAddressing, "RelatesTo"},  {ns::kWsman, "ResourceURI"},
    {ns::kWsman, "SelectorSet"},     {ns::kWsman, "OptionSet"},
    {ns::kWsman, "MaxEnvelopeSize"}, {ns::kWsman, "OperationTimeout"},
    {ns::kWsman, "Locale"},          {ns::kMicrosoft, "DataLocale"},
    {ns::kMicrosoft, "SessionId"},   {ns::kMicrosoft, "OperationID"},
    {ns::kMicrosoft, "SequenceId"},  {ns::kMicrosoft, "ActivityId"},
};

void check_header_names(const pugi::xml_node& header) {
    for (const pugi::xml_node& node : child_elements(header)) {
        const bool is_known = std::any_of(std::begin(kKnownHeaders), std::end(kKnownHeaders),
                                          [&](const HeaderName& known) {
                                              return is_element(node, known.name_space, known.name);
                                          });
        if (!must_understand(node)) continue;
        if (!is_known) throw SoapFault{FaultKind::must_understand, {}};
        if (is_element(node, ns::kWsman, "Locale")) {
            throw SoapFault{FaultKind::locale_must_be_understood, {}};
        }
    }
}

void read_addressing(const pugi::xml_node& header, SoapRequest& request) {
    request.message_id = trimmed_text_of(child_of(header, ns::kAddressing, "MessageID"));
    request.action = trimmed_text_of(child_of(header, ns::kAddressing, "Action"));
    const std::string to = trimmed_text_of(child_of(header, ns::kAddressing, "To"));
    const auto reply_to = child_of(header, ns::kAddressing, "ReplyTo");
    const std::string reply = trimmed_text_of(child_of(reply_to, ns::kAddressing, "Address"));
    if (request.message_id.empty() || request.action.empty() || to.empty() || reply.empty()) {
        throw SoapFault{FaultKind::missing_header, {}};
    }
    if (!request.message_id.starts_with("uuid:") && !request.message_id.starts_with("urn:uuid:")) {
        throw SoapFault{FaultKind::bad_header, {}};
    }
    if (reply != kAnonymous) throw SoapFault{FaultKind::bad_header, {}};
}

void read_resource(const pugi::xml_node& header, SoapRequest& request) {
    request.resource_uri = trimmed_text_of(child_of(header, ns::kWsman, "ResourceURI"));
    const std::string& uri = request.resource_uri;
    const std::size_t slash = uri.rfind('/');
    if (!uri.starts_with(kResourcePrefix) || slash < kResourcePrefix.size()) {
        throw SoapFault{FaultKind::invalid_resource_uri, {}};
    }
    request.name_space = uri.substr(kResourcePrefix.size(), slash - kResourcePrefix.size());
    request.class_name = uri.substr(slash + 1);
}

void read_selectors(const pugi::xml_node& header, SoapRequest& request) {
    const auto set = child_of(header, ns::kWsman, "SelectorSet");
    for (const pugi::xml_node& node : child_elements(set)) {
        const std::string name = node.attribute("Name").value();
        const bool is_sound = is_element(node, ns::kWsman, "Selector") && !name.empty() &&
                              request.selectors.size() < kSelectorCountMax;
        if (!is_sound) throw SoapFault{FaultKind::schema_validation, {}};
        if (!request.selectors.emplace(name, text_of(node)).second) {
            throw SoapFault{FaultKind::selectors_unexpected, {}};
        }
    }
    const auto space = request.selectors.find("__cimnamespace");
    if (space == request.selectors.end()) return;
    if (!same_name(space->second, request.name_space)) {
        throw SoapFault{FaultKind::cim_namespace, {}};
    }
    // The URI names the namespace already; a real host refused to hear it twice.
    throw SoapFault{FaultKind::selectors_unexpected, {}};
}

void read_limits(const pugi::xml_node& header, SoapRequest& request) {
    if (const auto size = child_of(header, ns::kWsman, "MaxEnvelopeSize")) {
        const unsigned long long value = std::strtoull(trimmed_text_of(size).c_str(), nullptr, 10);
        if (value < kEnvelopeBytesMin) throw SoapFault{FaultKind::envelope_too_small, {}};
        request.envelope_bytes_max = std::min<std::size_t>(value, kEnvelopeBytesMax);
    }
    if (const auto timeout = child_of(header, ns::kWsman, "OperationTimeout")) {
        const auto duration = parse_duration(trimmed_text_of(timeout));
        if (!duration) throw SoapFault{FaultKind::bad_header, {}};
        request.operation_timeout = *duration;
    }
}

}  // namespace

std::string SoapRequest::method() const {
    const std::size_t slash = action.rfind('/');
    return slash == std::string::npos ? action : action.substr(slash + 1);
}

void parse_request(std::string_view text, SoapRequest& request) {
    if (!parse_xml(text, request.document)) {
        throw SoapFault{FaultKind::schema_validation, "not well-formed"};
    }
    const pugi::xml_node envelope = request.document.document_element();
    if (!is_element(envelope, ns::kSoap, "Envelope")) {
        throw SoapFault{FaultKind::schema_validation, "no SOAP 1.2 envelope"};
    }
    const pugi::xml_node header = child_of(envelope, ns::kSoap, "Header");
    request.body = child_of(envelope, ns::kSoap, "Body");
    if (!request.body) throw SoapFault{FaultKind::schema_validation, "no body"};
    if (child_of(request.body, ns::kIdentity, "Identify")) {
        request.is_identify = true;
        return;
    }
    if (!header) throw SoapFault{FaultKind::missing_header, {}};
    read_addressing(header, request);
    check_header_names(header);
    if (child_of(header, ns::kWsman, "FragmentTransfer")) {
        throw SoapFault{FaultKind::unsupported_feature, {}};
    }
    read_resource(header, request);
    read_selectors(header, request);
    read_limits(header, request);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    if (!text.starts_with("P") || text.size() < 3 || text.size() > 40) return std::nullopt;
    text.remove_prefix(1);
    double seconds = 0;
    bool is_time = false;
    bool has_part = false;
    while (!text.empty()) {
        if (text.front() == 'T' && !is_time) {
            is_time = true;
            text.remove_prefix(1);
            continue;
        }
        const std::size_t length = text.find_first_not_of("0123456789.");
        if (length == 0 || length == std::string_view::npos) return std::nullopt;
        const double number = std::strtod(std::string{text.substr(0, length)}.c_str(), nullptr);
        const char unit = text[length];
        if (unit == 'D' && !is_time)
            seconds += number * 86400;
        else if (unit == 'H' && is_time)
            seconds += number * 3600;
        else if (unit == 'M' && is_time)
            seconds += number * 60;
        else if (unit == 'S' && is_time)
            seconds += number;
        else
            return std::nullopt;
        has_part = true;
        text.remove_prefix(length + 1);
    }
    if (!has_part || seconds > 1e9) return std::nullopt;
    return std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1000)};
}

std::string format_response(const SoapResponse& response) {
    std::string text = fmt::format(
        "<s:Envelope xml:lang=\"{}\" xmlns:s=\"{}\" xmlns:a=\"{}\" xmlns:x=\"{}\" xmlns:n=\"{}\" "
        "xmlns:w=\"{}\" xmlns:p=\"{}\"><s:Header><a:Action>{}</a:Action>"
        "<a:MessageID>{}</a:MessageID><a:To>{}</a:To>",
        language_tag(response.language), ns::kSoap, ns::kAddressing, ns::kTransfer,
        ns::kEnumeration, ns::kWsman, ns::kMicrosoft, escape_xml(response.action),
        response.message_id, kAnonymous);
    if (!response.relates_to.empty()) {
        text += fmt::format("<a:RelatesTo>{}</a:RelatesTo>", escape_xml(response.relates_to));
    }
    return text + fmt::format("</s:Header><s:Body>{}</s:Body></s:Envelope>", response.body);
}

}  // namespace entrepot::hostsim
