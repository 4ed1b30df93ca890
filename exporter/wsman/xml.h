// XML from a host as a bounded tree with resolved namespaces, and text made safe for XML.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::wsman {

struct XmlAttribute {
    std::string name_space;  ///< Empty for an attribute without prefix.
    std::string name;        ///< Local name.
    std::string value;
};

struct XmlNamespace {
    std::string prefix;
    std::string uri;
};

/// An element; names are compared as (namespace, local name), never by prefix.
struct XmlElement {
    std::string name_space;
    std::string name;
    std::string text;  ///< All character data directly inside, one piece after the other.
    std::vector<XmlAttribute> attributes;
    std::vector<XmlNamespace> declared;  ///< xmlns of this element, for QNames in text.
    std::vector<XmlElement> children;

    bool is(std::string_view of_name_space, std::string_view local_name) const {
        return name == local_name && name_space == of_name_space;
    }
    /// First child of that name; nullptr if there is none.
    const XmlElement* find(std::string_view of_name_space, std::string_view local_name) const;
    /// Throws Error{protocol} naming what is missing where.
    const XmlElement& child(std::string_view of_name_space, std::string_view local_name) const;
    std::optional<std::string> attribute(std::string_view of_name_space,
                                         std::string_view local_name) const;
    /// Text without white space at both ends.
    std::string trimmed_text() const;
};

/// Throws Error{protocol} for what is not well formed, a DOCTYPE, a prefix without declaration,
/// bytes that are not UTF-8, control characters, and Error{limit} beyond the bounds of limits.h.
/// `what` names the document in the message.
XmlElement parse_xml(std::string_view text, const std::string& what);

/// Text with & < > " as entities. Throws Error{invalid} for characters that XML cannot carry.
std::string escape_xml(std::string_view text);

/// The same with numeric references, which is the only form that Hyper-V's inner parser takes.
std::string escape_xml_numeric(std::string_view text);

}  // namespace entrepot::wsman
