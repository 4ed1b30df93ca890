// Namespace resolution on top of pugixml, which has none.
#include "tests/hostsim/cim/xml.h"

#include <string>

namespace entrepot::hostsim {
namespace {

constexpr int kDepthMax = 64;

bool is_acceptable(const pugi::xml_node& node, int depth) {
    if (depth > kDepthMax) return false;
    for (const pugi::xml_node& child : node.children()) {
        if (child.type() == pugi::node_doctype) return false;
        if (!is_acceptable(child, depth + 1)) return false;
    }
    return true;
}

std::string_view prefix_of(std::string_view qualified) {
    const std::size_t colon = qualified.find(':');
    return colon == std::string_view::npos ? std::string_view{} : qualified.substr(0, colon);
}

std::string_view local_part(std::string_view qualified) {
    const std::size_t colon = qualified.find(':');
    return colon == std::string_view::npos ? qualified : qualified.substr(colon + 1);
}

}  // namespace

bool parse_xml(std::string_view text, pugi::xml_document& document) {
    constexpr unsigned kFlags =
        (pugi::parse_default | pugi::parse_doctype) | pugi::parse_ws_pcdata_single;
    const pugi::xml_parse_result result =
        document.load_buffer(text.data(), text.size(), kFlags, pugi::encoding_utf8);
    return result && document.document_element() && is_acceptable(document, 0);
}

std::string_view local_name(const pugi::xml_node& node) {
    return local_part(node.name());
}

std::string_view resolve_prefix(const pugi::xml_node& node, std::string_view prefix) {
    const std::string attribute =
        prefix.empty() ? std::string{"xmlns"} : "xmlns:" + std::string{prefix};
    for (pugi::xml_node step = node; step; step = step.parent()) {
        if (const pugi::xml_attribute found = step.attribute(attribute.c_str())) {
            return found.value();
        }
    }
    return {};
}

std::string_view namespace_of(const pugi::xml_node& node) {
    return resolve_prefix(node, prefix_of(node.name()));
}

bool is_element(const pugi::xml_node& node, std::string_view name_space, std::string_view name) {
    return node.type() == pugi::node_element && local_name(node) == name &&
           namespace_of(node) == name_space;
}

pugi::xml_node child_of(const pugi::xml_node& node, std::string_view name_space,
                        std::string_view name) {
    for (const pugi::xml_node& child : node.children()) {
        if (is_element(child, name_space, name)) return child;
    }
    return {};
}

std::vector<pugi::xml_node> child_elements(const pugi::xml_node& node) {
    std::vector<pugi::xml_node> result;
    for (const pugi::xml_node& child : node.children()) {
        if (child.type() == pugi::node_element) result.push_back(child);
    }
    return result;
}

std::string_view attribute_of(const pugi::xml_node& node, std::string_view name_space,
                              std::string_view name) {
    for (const pugi::xml_attribute& attribute : node.attributes()) {
        const std::string_view prefix = prefix_of(attribute.name());
        if (prefix.empty() || prefix == "xmlns") continue;
        if (local_part(attribute.name()) == name && resolve_prefix(node, prefix) == name_space) {
            return attribute.value();
        }
    }
    return {};
}

std::string text_of(const pugi::xml_node& node) {
    std::string text;
    for (const pugi::xml_node& child : node.children()) {
        if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
            text += child.value();
        }
    }
    return text;
}

std::string trimmed_text_of(const pugi::xml_node& node) {
    const std::string text = text_of(node);
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string escape_xml(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (const char c : text) {
        switch (c) {
            case '&':
                result += "&amp;";
                break;
            case '<':
                result += "&lt;";
                break;
            case '>':
                result += "&gt;";
                break;
            case '"':
                result += "&quot;";
                break;
            case '\'':
                result += "&#39;";
                break;
            default:
                result += c;
                break;
        }
    }
    return result;
}

}  // namespace entrepot::hostsim
