// One row per fault: subcode, code, detail and the English text; a second text for other languages.
#include "tests/hostsim/wire/fault.h"

#include "base/check.h"
#include "tests/hostsim/cim/xml.h"

#include <fmt/format.h>

namespace entrepot::hostsim {
namespace {

struct FaultRow {
    FaultKind kind;
    const char* code;     ///< s:Sender, s:Receiver, s:MustUnderstand.
    const char* subcode;  ///< May be empty.
    std::uint32_t number;
    const char* detail;  ///< Last part of w:FaultDetail; may be empty.
    const char* text;
};

constexpr const char* kGerman = "Der WS-Verwaltungsdienst kann die Anforderung nicht verarbeiten.";
constexpr const char* kJapanese = "WS-Management サービスは要求を処理できません。";

using K = FaultKind;
constexpr FaultRow kRows[] = {
    {K::access_denied, "s:Sender", "w:AccessDenied", 5, "", "Access is denied."},
    {K::action_not_supported, "s:Sender", "a:ActionNotSupported", 2150858771, "",
     "The action is not supported by the service."},
    {K::bad_header, "s:Sender", "a:InvalidMessageInformationHeader", 2150858767, "",
     "A header of the request is not valid."},
    {K::cannot_process_filter, "s:Sender", "n:CannotProcessFilter", 2150858778, "",
     "The data source could not process the filter. The filter might be missing or it might be "
     "invalid. Change the filter and try the request again."},
    {K::cim_namespace, "s:Sender", "w:InvalidSelectors", 2150858843, "UnexpectedSelectors",
     "The namespace selector does not agree with the resource URI."},
    {K::destination_unreachable, "s:Sender", "a:DestinationUnreachable", 2150858752, "",
     "The WS-Management service cannot process the request. The service cannot find the resource "
     "identified by the resource URI and selectors."},
    {K::endpoint_unavailable, "s:Receiver", "a:EndpointUnavailable", 2150858772, "",
     "The specified endpoint is currently unavailable."},
    {K::envelope_limit, "s:Sender", "w:EncodingLimit", 2150858824, "MaxEnvelopeSizeExceeded",
     "The response that the service computed exceeds the maximum envelope size of the request."},
    {K::envelope_too_small, "s:Sender", "w:EncodingLimit", 2150858823, "MinimumEnvelopeLimit",
     "The maximum envelope size of the request is too small."},
    {K::filter_dialect, "s:Sender", "n:FilterDialectRequestedUnavailable", 2150858777, "",
     "The service does not support the filter dialect."},
    {K::invalid_context, "s:Sender", "n:InvalidEnumerationContext", 2150858779, "",
     "The supplied enumeration context is invalid."},
    {K::invalid_method_parameters, "s:Sender", "w:InvalidParameter", 2150859038, "",
     "The WMI service or the WMI provider returned an invalid parameter error: HRESULT "
     "0x8004102f"},
    {K::invalid_parameter_name, "s:Sender", "w:InvalidParameter", 2150858837, "",
     "The name of a parameter is not known to the method."},
    {K::invalid_parameter_type, "s:Sender", "w:InvalidParameter", 2150858836, "",
     "A parameter is not of the type that the method wants."},
    {K::invalid_resource_uri, "s:Sender", "a:DestinationUnreachable", 2150858811,
     "InvalidResourceURI", "The resource URI is not valid."},
    {K::locale_must_be_understood, "s:MustUnderstand", "", 2150858887, "",
     "The service cannot guarantee that all data is returned in the requested locale. Resend the "
     "request with locale as a hint."},
    {K::missing_header, "s:Sender", "a:MessageInformationHeaderRequired", 2150858769, "",
     "A required header is missing."},
    {K::must_understand, "s:MustUnderstand", "", 2150858768, "",
     "A SOAP header that must be understood is not."},
    {K::pull_parameters_differ, "s:Sender", "w:InvalidParameter", 2150859181, "",
     "The parameters of the Pull differ from those of the Enumerate."},
    {K::quota, "s:Sender", "w:QuotaLimit", 2150859174, "",
     "This user has exceeded the maximum number of concurrent operations."},
    {K::quota_rate, "s:Sender", "w:QuotaLimit", 2150859175, "",
     "This user has sent too many requests in too short a time."},
    {K::resource_not_found, "s:Sender", "a:DestinationUnreachable", 2150858752, "",
     "The service cannot find the resource identified by the resource URI and selectors."},
    {K::schema_validation, "s:Sender", "w:SchemaValidationError", 2150858817, "",
     "The SOAP XML in the message does not match the XML schema."},
    {K::selectors_insufficient, "s:Sender", "w:InvalidSelectors", 2150858842,
     "InsufficientSelectors", "The request did not include all required selectors."},
    {K::selectors_unexpected, "s:Sender", "w:InvalidSelectors", 2150858843, "UnexpectedSelectors",
     "The request contained selectors that are not known for the resource."},
    {K::timed_out, "s:Receiver", "w:TimedOut", 2150858793, "",
     "The operation did not complete within the time that OperationTimeout gives."},
    {K::unsupported_feature, "s:Sender", "w:UnsupportedFeature", 2150858792, "",
     "The service does not support the feature."},
    {K::wql_needs_any_class, "s:Sender", "w:InvalidParameter", 2150859003, "",
     "A WQL query needs a resource URI whose class is '*'."},
};

const FaultRow& row_of(FaultKind kind) {
    for (const FaultRow& row : kRows) {
        if (row.kind == kind) return row;
    }
    check_failed("a row for every fault", __FILE__, __LINE__);
}

std::string reason_of(const FaultRow& row, Language language) {
    switch (language) {
        case Language::english:
            return escape_xml(row.text);
        case Language::german:
            return kGerman;
        case Language::japanese:
            return kJapanese;
    }
    return {};
}

std::string message_xml(const SoapFault& fault, const FaultRow& row, const std::string& machine) {
    if (fault.detail.empty()) return escape_xml(row.text);
    return fmt::format(
        "<f:ProviderFault provider=\"WMI Provider\" path=\"%systemroot%\\system32\\WsmWmiPl.dll\">"
        "<f:WSManFault xmlns:f=\"{}\" Code=\"{}\" Machine=\"{}\"><f:Message>{}</f:Message>"
        "</f:WSManFault></f:ProviderFault>",
        ns::kFault, row.number, escape_xml(machine), escape_xml(fault.detail));
}

}  // namespace

std::uint32_t fault_code(FaultKind kind) {
    return row_of(kind).number;
}

std::string fault_action(FaultKind kind) {
    const std::string_view subcode = row_of(kind).subcode;
    if (subcode.starts_with("a:")) return fmt::format("{}/fault", ns::kAddressing);
    if (subcode.starts_with("n:")) return fmt::format("{}/fault", ns::kEnumeration);
    return "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault";
}

std::string fault_xml(const SoapFault& fault, const std::string& machine, Language language) {
    const FaultRow& row = row_of(fault.kind);
    std::string text = fmt::format("<s:Fault><s:Code><s:Value>{}</s:Value>", row.code);
    if (*row.subcode != '\0') {
        text += fmt::format("<s:Subcode><s:Value>{}</s:Value></s:Subcode>", row.subcode);
    }
    text += fmt::format("</s:Code><s:Reason><s:Text xml:lang=\"{}\">{}</s:Text></s:Reason>",
                        language_tag(language), reason_of(row, language));
    text += "<s:Detail>";
    if (*row.detail != '\0') {
        text += fmt::format(
            "<w:FaultDetail>http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/{}"
            "</w:FaultDetail>",
            row.detail);
    }
    text += fmt::format(
        "<f:WSManFault xmlns:f=\"{}\" Code=\"{}\" Machine=\"{}\"><f:Message>{}</f:Message>"
        "</f:WSManFault></s:Detail></s:Fault>",
        ns::kFault, row.number, escape_xml(machine), message_xml(fault, row, machine));
    return text;
}

}  // namespace entrepot::hostsim
