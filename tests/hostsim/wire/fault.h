// The faults that Windows answers (wsman.md section 10).
#pragma once

#include "tests/hostsim/cim/schema.h"
#include "tests/hostsim/wire/language.h"

#include <cstdint>
#include <string>

namespace entrepot::hostsim {

enum class FaultKind {
    access_denied,
    action_not_supported,
    bad_header,
    cannot_process_filter,
    cim_namespace,
    destination_unreachable,
    endpoint_unavailable,
    envelope_limit,
    envelope_too_small,
    filter_dialect,
    invalid_context,
    invalid_method_parameters,
    invalid_parameter_name,
    invalid_parameter_type,
    invalid_resource_uri,
    locale_must_be_understood,
    missing_header,
    must_understand,
    pull_parameters_differ,
    quota,
    quota_rate,
    resource_not_found,
    schema_validation,
    selectors_insufficient,
    selectors_unexpected,
    timed_out,
    unsupported_feature,
    wql_needs_any_class,
};

/// Thrown by whoever refuses a request; the endpoint makes the answer of it.
struct SoapFault {
    FaultKind kind;
    std::string detail;  ///< The provider's words, inside ProviderFault; may be empty.
};

/// The code that WSManFault carries.
std::uint32_t fault_code(FaultKind kind);

/// The action of the answer, and the s:Fault element. Texts are localised where asked.
std::string fault_action(FaultKind kind);
std::string fault_xml(const SoapFault& fault, const std::string& machine, Language language);

}  // namespace entrepot::hostsim
