// Endpoint references in both shapes that Windows uses (DSP0226 6.3, wsman 5 and 8).
#include "exporter/wsman/endpoint_reference.h"

#include "base/error.h"
#include "exporter/wsman/limits.h"
#include "exporter/wsman/namespaces.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace entrepot::wsman {
namespace {

bool equals_ignoring_case(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) ==
               std::tolower(static_cast<unsigned char>(b));
    });
}

}  // namespace

std::optional<std::string> EndpointReference::selector(std::string_view name) const {
    for (const auto& [known, value] : selectors) {
        if (equals_ignoring_case(known, name)) return value;
    }
    return std::nullopt;
}

std::optional<EndpointReference> decode_endpoint_reference(const XmlElement& element) {
    const XmlElement* holder = element.find(ns::kAddressing, "EndpointReference");
    if (holder == nullptr) holder = &element;
    const XmlElement* parameters = holder->find(ns::kAddressing, "ReferenceParameters");
    if (parameters == nullptr) return std::nullopt;

    EndpointReference reference;
    reference.resource_uri = parameters->child(ns::kWsman, "ResourceURI").trimmed_text();
    const XmlElement* set = parameters->find(ns::kWsman, "SelectorSet");
    if (set == nullptr) return reference;
    if (set->children.size() > limits::kSelectorsMax) {
        throw Error{ErrorCode::protocol,
                    fmt::format("{} selectors in one reference", set->children.size())};
    }
    for (const XmlElement& selector : set->children) {
        if (!selector.is(ns::kWsman, "Selector")) continue;
        reference.selectors.emplace_back(selector.attribute("", "Name").value_or(""),
                                         selector.text);
    }
    return reference;
}

std::string encode_selector_set(const EndpointReference& reference) {
    if (reference.selectors.empty()) return {};
    std::string out = "<w:SelectorSet>";
    for (const auto& [name, value] : reference.selectors) {
        out += fmt::format("<w:Selector Name=\"{}\">{}</w:Selector>", escape_xml(name),
                           escape_xml(value));
    }
    return out + "</w:SelectorSet>";
}

std::string encode_endpoint_reference(const EndpointReference& reference) {
    return fmt::format(
        "<a:Address>{}</a:Address><a:ReferenceParameters><w:ResourceURI>{}</w:ResourceURI>{}"
        "</a:ReferenceParameters>",
        ns::kAnonymous, escape_xml(reference.resource_uri), encode_selector_set(reference));
}

}  // namespace entrepot::wsman
