// Reading XML by namespace and local name, and writing it (wsman.md section 1).
#pragma once

#include <pugixml.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace entrepot::hostsim {

namespace ns {
inline constexpr std::string_view kSoap = "http://www.w3.org/2003/05/soap-envelope";
inline constexpr std::string_view kAddressing = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
inline constexpr std::string_view kTransfer = "http://schemas.xmlsoap.org/ws/2004/09/transfer";
inline constexpr std::string_view kEnumeration =
    "http://schemas.xmlsoap.org/ws/2004/09/enumeration";
inline constexpr std::string_view kWsman = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd";
inline constexpr std::string_view kMicrosoft =
    "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd";
inline constexpr std::string_view kFault = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault";
inline constexpr std::string_view kCimBinding =
    "http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd";
inline constexpr std::string_view kCim = "http://schemas.dmtf.org/wbem/wscim/1/common";
inline constexpr std::string_view kIdentity =
    "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd";
inline constexpr std::string_view kXsi = "http://www.w3.org/2001/XMLSchema-instance";
}  // namespace ns

inline constexpr std::string_view kAnonymous =
    "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous";
inline constexpr std::string_view kResourcePrefix =
    "http://schemas.microsoft.com/wbem/wsman/1/wmi/";

/// Parses a document. Returns false for what is not well formed, has a DOCTYPE, or is deeper than
/// any message of this protocol.
bool parse_xml(std::string_view text, pugi::xml_document& document);

std::string_view local_name(const pugi::xml_node& node);
/// The namespace of an element; empty if its prefix is not bound.
std::string_view namespace_of(const pugi::xml_node& node);
/// The namespace that a prefix is bound to where the node stands.
std::string_view resolve_prefix(const pugi::xml_node& node, std::string_view prefix);
bool is_element(const pugi::xml_node& node, std::string_view name_space, std::string_view name);

/// The first child element of that name; an empty node if there is none.
pugi::xml_node child_of(const pugi::xml_node& node, std::string_view name_space,
                        std::string_view name);
std::vector<pugi::xml_node> child_elements(const pugi::xml_node& node);

/// The value of an attribute that has a namespace; empty if it is absent.
std::string_view attribute_of(const pugi::xml_node& node, std::string_view name_space,
                              std::string_view name);

/// All text directly in the element, CDATA too.
std::string text_of(const pugi::xml_node& node);
std::string trimmed_text_of(const pugi::xml_node& node);

/// Text with the five characters of XML replaced by entities.
std::string escape_xml(std::string_view text);

}  // namespace entrepot::hostsim
