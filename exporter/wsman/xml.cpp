// Bounded reading of XML through pugixml. Follows XML 1.0 and Namespaces in XML 1.0; a DOCTYPE is
// refused, so there are no entities of a document's own.
#include "exporter/wsman/xml.h"

#include "base/error.h"
#include "exporter/wsman/limits.h"

#include <fmt/format.h>
#include <pugixml.hpp>

#include <algorithm>
#include <charconv>

namespace entrepot::wsman {
namespace {

constexpr std::string_view kXmlNamespace = "http://www.w3.org/XML/1998/namespace";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_xml_character(std::uint32_t point) {
    if (point < 0x20) return point == '\t' || point == '\n' || point == '\r';
    if (point >= 0xD800 && point <= 0xDFFF) return false;
    return point != 0xFFFE && point != 0xFFFF && point <= 0x10FFFF;
}

// Length of the UTF-8 sequence at the front that holds a character XML allows; 0 if there is none.
std::size_t character_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return is_xml_character(lead) ? 1 : 0;
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
    if (length == 0 || lead > 0xF4 || text.size() < length) return 0;
    std::uint32_t point = lead & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return 0;
        point = (point << 6) | (byte(i) & 0x3FU);
    }
    constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    return point >= kSmallest[length] && is_xml_character(point) ? length : 0;
}

// Offset of the first byte that no XML text may hold; npos if all is well.
std::size_t find_bad_character(std::string_view text) {
    for (std::size_t offset = 0; offset < text.size();) {
        const std::size_t length = character_length(text.substr(offset));
        if (length == 0) return offset;
        offset += length;
    }
    return std::string_view::npos;
}

[[noreturn]] void refuse(const std::string& what, const std::string& why) {
    throw Error{ErrorCode::protocol, fmt::format("{}: {}", what, why)};
}

// pugixml would cut a text at &#0; and pass other control characters on.
void check_numeric_references(std::string_view text, const std::string& what) {
    for (std::size_t at = text.find("&#"); at != std::string_view::npos;
         at = text.find("&#", at + 2)) {
        const bool is_hex = text.substr(at + 2).starts_with('x');
        const char* first = text.data() + at + (is_hex ? 3 : 2);
        std::uint32_t point = 0;
        const auto [end, error] =
            std::from_chars(first, text.data() + text.size(), point, is_hex ? 16 : 10);
        const bool is_whole = error == std::errc{} && end != text.data() + text.size();
        if (!is_whole || *end != ';' || !is_xml_character(point)) {
            refuse(what, fmt::format("bad character reference at byte {}", at));
        }
    }
}

class TreeBuilder {
public:
    explicit TreeBuilder(const std::string& what) : what_(what) {}

    XmlElement build(const pugi::xml_node& node, std::size_t depth) {
        if (depth > limits::kXmlDepthMax) {
            refuse(what_, fmt::format("elements nested deeper than {}", limits::kXmlDepthMax));
        }
        const std::size_t scope_size = scope_.size();
        XmlElement element;
        declare(node, element);
        std::tie(element.name_space, element.name) = resolve(node.name(), Kind::element);
        add_attributes(node, element);
        for (const pugi::xml_node& child : node.children()) {
            const auto type = child.type();
            if (type == pugi::node_element) {
                element.children.push_back(build(child, depth + 1));
            } else if (type == pugi::node_pcdata || type == pugi::node_cdata) {
                element.text += child.value();
            }
        }
        scope_.resize(scope_size);
        return element;
    }

private:
    enum class Kind { element, attribute };

    void declare(const pugi::xml_node& node, XmlElement& element) {
        std::size_t count = 0;
        for (const pugi::xml_attribute& attribute : node.attributes()) {
            if (++count > limits::kXmlAttributesMax) refuse(what_, "too many attributes");
            const std::string_view name = attribute.name();
            if (name == "xmlns") {
                element.declared.push_back({"", attribute.value()});
            } else if (name.starts_with("xmlns:")) {
                element.declared.push_back({std::string{name.substr(6)}, attribute.value()});
            }
        }
        scope_.insert(scope_.end(), element.declared.begin(), element.declared.end());
    }

    void add_attributes(const pugi::xml_node& node, XmlElement& element) {
        for (const pugi::xml_attribute& attribute : node.attributes()) {
            const std::string_view name = attribute.name();
            if (name == "xmlns" || name.starts_with("xmlns:")) continue;
            XmlAttribute added;
            std::tie(added.name_space, added.name) = resolve(name, Kind::attribute);
            added.value = attribute.value();
            element.attributes.push_back(std::move(added));
        }
    }

    std::pair<std::string, std::string> resolve(std::string_view name, Kind kind) const {
        const std::size_t colon = name.find(':');
        const std::string_view prefix =
            colon == std::string_view::npos ? std::string_view{} : name.substr(0, colon);
        const std::string_view local =
            colon == std::string_view::npos ? name : name.substr(colon + 1);
        if (prefix.empty() && kind == Kind::attribute) return {"", std::string{local}};
        if (prefix == "xml") return {std::string{kXmlNamespace}, std::string{local}};
        const auto found = std::find_if(scope_.rbegin(), scope_.rend(),
                                        [&](const auto& known) { return known.prefix == prefix; });
        if (found != scope_.rend()) return {found->uri, std::string{local}};
        if (!prefix.empty()) refuse(what_, fmt::format("prefix of {} is not declared", name));
        return {"", std::string{local}};
    }

    const std::string& what_;
    std::vector<XmlNamespace> scope_;
};

std::string escape(std::string_view text, bool is_numeric) {
    const std::size_t bad = find_bad_character(text);
    if (bad != std::string_view::npos) {
        throw Error{ErrorCode::invalid,
                    fmt::format("byte {} of a text cannot be written as XML", bad)};
    }
    std::string out;
    out.reserve(text.size() + text.size() / 8);
    for (const char c : text) {
        switch (c) {
            case '&':
                out += is_numeric ? "&#38;" : "&amp;";
                break;
            case '<':
                out += is_numeric ? "&#60;" : "&lt;";
                break;
            case '>':
                out += is_numeric ? "&#62;" : "&gt;";
                break;
            case '"':
                out += is_numeric ? "&#34;" : "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            case '\r':
                out += "&#13;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

}  // namespace

const XmlElement* XmlElement::find(std::string_view of_name_space,
                                   std::string_view local_name) const {
    const auto found = std::find_if(children.begin(), children.end(), [&](const XmlElement& one) {
        return one.is(of_name_space, local_name);
    });
    return found == children.end() ? nullptr : &*found;
}

const XmlElement& XmlElement::child(std::string_view of_name_space,
                                    std::string_view local_name) const {
    const XmlElement* found = find(of_name_space, local_name);
    if (found == nullptr) {
        throw Error{ErrorCode::protocol,
                    fmt::format("the host's answer has no {} in {}", local_name, name)};
    }
    return *found;
}

std::optional<std::string> XmlElement::attribute(std::string_view of_name_space,
                                                 std::string_view local_name) const {
    for (const XmlAttribute& one : attributes) {
        if (one.name == local_name && one.name_space == of_name_space) return one.value;
    }
    return std::nullopt;
}

std::string XmlElement::trimmed_text() const {
    constexpr std::string_view kSpace = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

XmlElement parse_xml(std::string_view text, const std::string& what) {
    if (text.size() > limits::kAnswerBytesMax) {
        throw Error{ErrorCode::limit, fmt::format("{}: {} bytes of XML", what, text.size())};
    }
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    const std::size_t bad = find_bad_character(text);
    if (bad != std::string_view::npos) {
        refuse(what, fmt::format("byte {} is not UTF-8 text", bad));
    }
    // Every element has at least one '<'; closing tags double it.
    const auto tags = static_cast<std::size_t>(std::count(text.begin(), text.end(), '<'));
    if (tags > 2 * limits::kXmlElementsMax) {
        throw Error{ErrorCode::limit, fmt::format("{}: {} tags in one document", what, tags)};
    }
    check_numeric_references(text, what);

    // DOCTYPE nodes are kept only so that they can be refused; pugixml never resolves one.
    constexpr unsigned kFlags =
        pugi::parse_default | pugi::parse_ws_pcdata_single | pugi::parse_doctype;
    pugi::xml_document document;
    const pugi::xml_parse_result result =
        document.load_buffer(text.data(), text.size(), kFlags, pugi::encoding_utf8);
    if (!result) {
        refuse(what, fmt::format("not well-formed XML at byte {}: {}", result.offset,
                                 result.description()));
    }
    pugi::xml_node root;
    for (const pugi::xml_node& node : document.children()) {
        if (node.type() == pugi::node_doctype) refuse(what, "a DOCTYPE is not allowed");
        if (node.type() != pugi::node_element) continue;
        if (root) refuse(what, "more than one root element");
        root = node;
    }
    if (!root) refuse(what, "no root element");
    return TreeBuilder{what}.build(root, 1);
}

std::string escape_xml(std::string_view text) {
    return escape(text, false);
}

std::string escape_xml_numeric(std::string_view text) {
    return escape(text, true);
}

}  // namespace entrepot::wsman
