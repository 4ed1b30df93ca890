// Names one instance at a host: resource URI and key selectors (WS-Addressing endpoint reference).
#pragma once

#include "exporter/wsman/xml.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace entrepot::wsman {

struct EndpointReference {
    std::string resource_uri;
    std::vector<std::pair<std::string, std::string>> selectors;

    bool operator==(const EndpointReference&) const = default;

    /// Selectors are found without regard to case, as WMI does.
    std::optional<std::string> selector(std::string_view name) const;
};

/// Reads a:ReferenceParameters from the element itself or from an a:EndpointReference inside it.
/// nullopt if there is neither.
std::optional<EndpointReference> decode_endpoint_reference(const XmlElement& element);

/// a:Address and a:ReferenceParameters, without wrapper, as Windows takes and gives parameters.
std::string encode_endpoint_reference(const EndpointReference& reference);

/// <w:SelectorSet>, or nothing where there are no selectors.
std::string encode_selector_set(const EndpointReference& reference);

}  // namespace entrepot::wsman
