// Decoding of SOAP faults and what their codes mean (wsman 10).
#include "exporter/wsman/fault.h"

#include "exporter/wsman/limits.h"
#include "exporter/wsman/namespaces.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace entrepot::wsman {
namespace {

struct CodeMeaning {
    std::uint32_t code;
    ErrorCode error;
    std::string_view words;
    std::string_view hint;
};

constexpr std::string_view kOurFault =
    "The host does not take this request. Please record it (record = DIRECTORY under [hosts] in "
    "entrepot.toml) and report it.";
constexpr std::string_view kRights =
    "The account needs Remote Management Users and Hyper-V Administrators on the host, and the "
    "rights Enable Account, Remote Enable and Execute Methods on the WMI namespace. A local "
    "administrator also needs LocalAccountTokenFilterPolicy = 1.";
constexpr std::string_view kLoad =
    "The host limits requests of this user; fewer jobs at a time help, or a higher "
    "MaxConcurrentOperationsPerUser in winrm/config/service.";
constexpr std::string_view kProvider =
    "Is the service vmms (Hyper-V Virtual Machine Management) running on the host? 'Get-Service "
    "vmms' tells, 'Start-Service vmms' starts it.";
constexpr std::string_view kRole = "Is the Hyper-V role installed on this host?";

constexpr std::array<CodeMeaning, 41> kMeanings{{
    {5, ErrorCode::access_denied, "access is denied", kRights},
    {0x80070005, ErrorCode::access_denied, "access is denied", kRights},
    {0x80041003, ErrorCode::access_denied, "WMI denies access", kRights},
    {0x80338104, ErrorCode::access_denied, "the WMI service denies access", kRights},
    {0x80338105, ErrorCode::access_denied, "the WMI provider denies access", kRights},
    {0x80338106, ErrorCode::access_denied, "WMI denies the connection", kRights},
    {0x803381DD, ErrorCode::access_denied, "remote access is disabled on the host",
     "Run 'winrm quickconfig' on the host."},
    {0x803381E3, ErrorCode::access_denied, "the host does not allow remote connections",
     "Run 'winrm quickconfig' on the host."},
    {0x80338000, ErrorCode::not_found, "the object does not exist", ""},
    {0x80041002, ErrorCode::not_found, "WMI does not find the object", ""},
    {0x8004100E, ErrorCode::unsupported, "the WMI namespace does not exist", kRole},
    {0x80041010, ErrorCode::unsupported, "the WMI class does not exist", kRole},
    {0x8033803B, ErrorCode::unsupported, "the host does not know this resource", kRole},
    {0x8033801A, ErrorCode::unsupported, "the host cannot process the query", ""},
    {0x80041017, ErrorCode::unsupported, "WMI takes the query for invalid", ""},
    {0x80338003, ErrorCode::busy, "the WMI provider failed", kProvider},
    {0x80041013, ErrorCode::busy, "the WMI provider could not be loaded", kProvider},
    {0x80041033, ErrorCode::busy, "the WMI provider is shutting down", kProvider},
    {0x800706BA, ErrorCode::busy, "the host's RPC server is not available", kProvider},
    {0x80041032, ErrorCode::busy, "the host cancelled the call", ""},
    {0x80338006, ErrorCode::busy, "another pull of this enumeration is running", ""},
    {0x8033803F, ErrorCode::busy, "a quota of the WinRM service is used up", kLoad},
    {0x803381A5, ErrorCode::busy, "the user has too many shells", kLoad},
    {0x803381A6, ErrorCode::busy, "the user has too many operations at a time", kLoad},
    {0x803381A7, ErrorCode::busy, "the user sends requests too fast", kLoad},
    {0x803381A8, ErrorCode::busy, "the host gets requests too fast", kLoad},
    {0x803381E8, ErrorCode::busy, "the user has too many operations of this kind", kLoad},
    {0x8004106C, ErrorCode::busy, "a quota of WMI is used up", kLoad},
    {0x80338029, ErrorCode::timeout, "the operation did not end in its time", ""},
    {0x80338047, ErrorCode::limit, "the allowed size of the answer is too small", ""},
    {0x80338048, ErrorCode::limit, "the answer is larger than was allowed", ""},
    {0x80338049, ErrorCode::limit, "the answer is larger than the WinRM service allows",
     "Raise MaxEnvelopeSizekb in winrm/config on the host."},
    {0x8033805A, ErrorCode::protocol, "a key is missing", kOurFault},
    {0x8033805B, ErrorCode::protocol, "a key is not expected", kOurFault},
    {0x8033803D, ErrorCode::protocol, "the keys do not name an object", kOurFault},
    {0x80338041, ErrorCode::protocol, "the request does not fit the schema", kOurFault},
    {0x80338055, ErrorCode::protocol, "a parameter has no such name", kOurFault},
    {0x80338054, ErrorCode::protocol, "a parameter has the wrong type", kOurFault},
    {0x8004102F, ErrorCode::protocol, "WMI takes the parameters for invalid", kOurFault},
    {0x8033811E, ErrorCode::protocol, "the WMI provider takes a parameter for invalid", kOurFault},
    {0x80041001, ErrorCode::host_failure, "WMI failed", ""},
}};

const CodeMeaning* find_meaning(std::uint32_t code) {
    const auto found = std::find_if(kMeanings.begin(), kMeanings.end(),
                                    [&](const CodeMeaning& one) { return one.code == code; });
    return found == kMeanings.end() ? nullptr : &*found;
}

struct SubcodeMeaning {
    std::string_view subcode;
    ErrorCode error;
    std::string_view words;
};

// For faults without a code: the subcode alone.
constexpr std::array<SubcodeMeaning, 11> kSubcodes{{
    {"AccessDenied", ErrorCode::access_denied, "access is denied"},
    {"DestinationUnreachable", ErrorCode::not_found, "the object does not exist"},
    {"InvalidSelectors", ErrorCode::protocol, "the keys do not name an object"},
    {"CannotProcessFilter", ErrorCode::unsupported, "the host cannot process the query"},
    {"FilterDialectRequestedUnavailable", ErrorCode::unsupported, "the host has no such query"},
    {"InvalidEnumerationContext", ErrorCode::busy, "the enumeration has expired"},
    {"TimedOut", ErrorCode::timeout, "the operation did not end in its time"},
    {"QuotaLimit", ErrorCode::busy, "a quota of the WinRM service is used up"},
    {"Concurrency", ErrorCode::busy, "the object is in use"},
    {"EncodingLimit", ErrorCode::limit, "the answer is larger than was allowed"},
    {"SchemaValidationError", ErrorCode::protocol, "the request does not fit the schema"},
}};

const SubcodeMeaning* find_subcode(const std::string& subcode) {
    const auto found =
        std::find_if(kSubcodes.begin(), kSubcodes.end(),
                     [&](const SubcodeMeaning& one) { return one.subcode == subcode; });
    return found == kSubcodes.end() ? nullptr : &*found;
}

// The first of the fault's codes that we can explain, inner before outer.
const CodeMeaning* meaning_of(const WsmanFault& fault) {
    for (const std::uint32_t code : {fault.provider_code, fault.code, fault.hresult}) {
        const CodeMeaning* meaning = code == 0 ? nullptr : find_meaning(code);
        if (meaning != nullptr) return meaning;
    }
    return nullptr;
}

ErrorCode code_of(const WsmanFault& fault) {
    // The subcode of an unknown object says so even where the provider's code is generic.
    if (fault.subcode == "DestinationUnreachable" && find_meaning(fault.provider_code) == nullptr) {
        return ErrorCode::not_found;
    }
    if (const CodeMeaning* meaning = meaning_of(fault)) return meaning->error;
    if (const SubcodeMeaning* meaning = find_subcode(fault.subcode)) return meaning->error;
    return ErrorCode::host_failure;
}

std::string message_of(const WsmanFault& fault, const std::string& request) {
    std::string words = "the host refused it";
    if (const CodeMeaning* meaning = meaning_of(fault)) {
        words = meaning->words;
    } else if (const SubcodeMeaning* known = find_subcode(fault.subcode)) {
        words = known->words;
    }
    std::string text = fmt::format("{}: {}", request, words);
    if (!fault.subcode.empty()) text += fmt::format(" ({})", fault.subcode);
    if (fault.code != 0) text += fmt::format(", code 0x{:08X}", fault.code);
    if (fault.provider_code != 0 && fault.provider_code != fault.code) {
        text += fmt::format(", provider 0x{:08X}", fault.provider_code);
    }
    if (!fault.text.empty()) text += fmt::format("; the host says: {}", fault.text);
    return text;
}

std::string hint_of(const WsmanFault& fault) {
    const CodeMeaning* meaning = meaning_of(fault);
    if (meaning != nullptr) return std::string{meaning->hint};
    const SubcodeMeaning* known = find_subcode(fault.subcode);
    return known != nullptr && known->error == ErrorCode::access_denied ? std::string{kRights} : "";
}

std::uint32_t parse_code(const std::string& text) {
    std::uint32_t code = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
    return error == std::errc{} && end == text.data() + text.size() ? code : 0;
}

std::string one_line(const std::string& text) {
    std::string out;
    for (const char c : text) {
        const bool is_space = c == ' ' || c == '\t' || c == '\r' || c == '\n';
        if (!is_space) out += c;
        if (is_space && !out.empty() && out.back() != ' ') out += ' ';
    }
    while (out.ends_with(' '))
        out.pop_back();
    if (out.size() <= limits::kFaultTextBytesMax) return out;
    std::size_t length = limits::kFaultTextBytesMax;
    while ((static_cast<unsigned char>(out[length]) & 0xC0) == 0x80)
        --length;
    return out.substr(0, length) + "...";
}

void add_text(std::string& all, const std::string& more) {
    const std::string line = one_line(more);
    if (line.empty() || all.find(line) != std::string::npos) return;
    all += (all.empty() ? "" : " / ") + line;
}

// f:Message is mixed: text, or a provider's fault, or both. The innermost comes last.
void read_detail(const XmlElement& element, WsmanFault& fault) {
    if (element.is(ns::kWsmanFault, "WSManFault")) {
        const std::uint32_t code = parse_code(element.attribute("", "Code").value_or(""));
        if (fault.code == 0) fault.code = code;
        if (code != 0) fault.provider_code = code;
    }
    if (element.is(ns::kWmiError, "error_Code")) {
        const std::uint32_t code = parse_code(element.trimmed_text());
        if (fault.code == 0) fault.code = code;
        if (code != 0) fault.provider_code = code;
    }
    const bool is_text = element.is(ns::kWsmanFault, "Message") ||
                         element.is(ns::kWsmanFault, "ProviderFault") ||
                         element.is(ns::kWmiError, "Message");
    if (is_text) add_text(fault.text, element.text);
    for (const XmlElement& child : element.children)
        read_detail(child, fault);
}

void read_subcode(const XmlElement& body, const XmlElement& soap_fault, WsmanFault& fault) {
    const XmlElement* code = soap_fault.find(ns::kSoap, "Code");
    const XmlElement* subcode = code == nullptr ? nullptr : code->find(ns::kSoap, "Subcode");
    const XmlElement* value = subcode == nullptr ? nullptr : subcode->find(ns::kSoap, "Value");
    if (value == nullptr) return;
    const std::string text = value->trimmed_text();
    const std::size_t colon = text.find(':');
    const std::string prefix = colon == std::string::npos ? "" : text.substr(0, colon);
    fault.subcode = colon == std::string::npos ? text : text.substr(colon + 1);
    for (const XmlElement* scope : {&body, &soap_fault, code, subcode, value}) {
        for (const XmlNamespace& known : scope->declared) {
            if (known.prefix == prefix) fault.subcode_name_space = known.uri;
        }
    }
}

}  // namespace

std::uint32_t WsmanFault::most_telling() const {
    const CodeMeaning* meaning = meaning_of(*this);
    if (meaning != nullptr) return meaning->code;
    if (provider_code != 0) return provider_code;
    return code != 0 ? code : hresult;
}

bool WsmanFault::has(std::uint32_t wanted) const {
    return code == wanted || provider_code == wanted || hresult == wanted;
}

Fault::Fault(WsmanFault fault, const std::string& request)
    : Error(code_of(fault), message_of(fault, request), hint_of(fault)), fault_(std::move(fault)) {}

bool Fault::is_filter_refused() const {
    return fault_.subcode == "CannotProcessFilter" ||
           fault_.subcode == "FilterDialectRequestedUnavailable" || fault_.has(0x8033801A);
}

bool Fault::is_context_lost() const {
    return fault_.subcode == "InvalidEnumerationContext";
}

bool Fault::is_envelope_too_large() const {
    return fault_.subcode == "EncodingLimit" || fault_.has(0x80338047) || fault_.has(0x80338048) ||
           fault_.has(0x80338049);
}

bool Fault::is_operation_timed_out() const {
    return fault_.subcode == "TimedOut" || fault_.has(0x80338029);
}

bool Fault::is_over_quota() const {
    // Not WMI's own quota 0x8004106C: that one may strike in the middle.
    const bool is_limit = fault_.subcode == "QuotaLimit" || fault_.has(0x8033803F);
    return is_limit || fault_.has(0x803381A6) || fault_.has(0x803381A7) || fault_.has(0x803381A8) ||
           fault_.has(0x803381E8);
}

bool Fault::is_class_missing() const {
    return fault_.has(0x8033803B) || fault_.has(0x8004100E) || fault_.has(0x80041010);
}

WsmanFault decode_fault(const XmlElement& body) {
    const XmlElement& soap_fault = body.child(ns::kSoap, "Fault");
    WsmanFault fault;
    read_subcode(body, soap_fault, fault);
    if (const XmlElement* detail = soap_fault.find(ns::kSoap, "Detail")) {
        read_detail(*detail, fault);
    }
    const XmlElement* reason = soap_fault.find(ns::kSoap, "Reason");
    if (reason != nullptr && fault.text.empty()) {
        for (const XmlElement& text : reason->children)
            add_text(fault.text, text.text);
    }
    fault.hresult = find_last_hresult(fault.text);
    return fault;
}

std::string explain_fault_code(std::uint32_t code) {
    const CodeMeaning* meaning = find_meaning(code);
    return meaning == nullptr ? std::string{} : std::string{meaning->words};
}

std::uint32_t find_last_hresult(std::string_view text) {
    constexpr std::size_t kDigits = 8;
    for (std::size_t at = text.rfind("0x"); at != std::string_view::npos;
         at = at == 0 ? std::string_view::npos : text.rfind("0x", at - 1)) {
        const std::string_view rest = text.substr(at + 2);
        std::size_t digits = 0;
        while (digits < rest.size() && std::isxdigit(static_cast<unsigned char>(rest[digits]))) {
            ++digits;
        }
        if (digits != kDigits) continue;
        std::uint32_t code = 0;
        std::from_chars(rest.data(), rest.data() + kDigits, code, 16);
        return code;
    }
    return 0;
}

}  // namespace entrepot::wsman
