// Hyper-V's inner parser, as far as its refusals are known (wsman.md section 8, hyperv-wmi.md 1.1).
#include "tests/hostsim/cim/embedded.h"

#include "tests/hostsim/cim/xml.h"

#include <fmt/format.h>

#include <charconv>

namespace entrepot::hostsim {
namespace {

constexpr std::uint32_t kFailed = 32768;
constexpr std::uint32_t kInvalidParameter = 32773;
constexpr std::size_t kEmbeddedBytesMax = 256 * 1024;

struct Refusal {
    std::uint32_t return_value;
    std::string why;
};

/// The two named entities that Hyper-V's parser is known to refuse.
void refuse_named_entities(std::string_view text) {
    if (text.find("&lt;") != std::string_view::npos) {
        throw Refusal{kInvalidParameter, "&lt; in an embedded instance"};
    }
    if (text.find("&amp;") != std::string_view::npos) {
        throw Refusal{kFailed, "&amp; in an embedded instance"};
    }
}

bool is_number_of(std::string_view text, const CimType& type) {
    const int bits = std::atoi(type.base.c_str() + 4);
    if (type.base.starts_with("uint")) {
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        return error == std::errc{} && end == text.data() + text.size() &&
               (bits == 64 || value < (std::uint64_t{1} << bits));
    }
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

Scalar parse_scalar(const std::string& text, const CimType& type, const std::string& name) {
    if (type.base == "string") return text;
    if (type.base == "boolean") {
        if (same_name(text, "true")) return true;
        if (same_name(text, "false")) return false;
    } else if (type.is_integer()) {
        if (is_number_of(text, type)) {
            return static_cast<std::uint64_t>(std::strtoull(text.c_str(), nullptr, 10));
        }
    } else if (type.base == "datetime") {
        if (text.size() == 25 && text[14] == '.') return text;
        // The form that a read gives is refused on the way in.
        throw Refusal{kFailed, fmt::format("{}: '{}' is no DMTF date", name, text)};
    }
    throw Refusal{kInvalidParameter, fmt::format("{}: '{}' is no {}", name, text, type.base)};
}

const CimType& type_of(const Class& declared, const std::string& name) {
    const auto found = declared.properties.find(name);
    if (found == declared.properties.end()) {
        throw Refusal{kInvalidParameter, fmt::format("{} has no property {}", declared.name, name)};
    }
    return found->second;
}

/// An integer may come under another integer type: the provider converts it.
void check_type(const CimType& type, std::string_view given, const std::string& name) {
    CimType other;
    other.base = std::string{given};
    if (given == type.base || (type.is_integer() && other.is_integer())) return;
    throw Refusal{kInvalidParameter,
                  fmt::format("{} is {}, not {}", name, type.base, std::string{given})};
}

Value parse_values(const pugi::xml_node& property, const CimType& type, const std::string& name) {
    Value value;
    const pugi::xml_node holder = type.is_array ? property.child("VALUE.ARRAY") : property;
    for (const pugi::xml_node& node : holder.children("VALUE")) {
        value.items.push_back(parse_scalar(text_of(node), type, name));
    }
    return value;
}

Instance parse_instance(const pugi::xml_node& root, const Class& declared) {
    Instance instance;
    instance.class_name = declared.name;
    for (const pugi::xml_node& node : child_elements(root)) {
        const std::string_view tag = node.name();
        if (tag == "QUALIFIER") continue;
        const bool is_array = tag == "PROPERTY.ARRAY";
        if (tag != "PROPERTY" && !is_array) {
            throw Refusal{kInvalidParameter, fmt::format("unexpected element {}", node.name())};
        }
        const std::string name = node.attribute("NAME").value();
        if (name.starts_with("__")) continue;
        const CimType& type = type_of(declared, name);
        if (type.is_array != is_array) {
            throw Refusal{kInvalidParameter, fmt::format("{}: array or not, that matters", name)};
        }
        check_type(type, node.attribute("TYPE").value(), name);
        instance.properties[name] = parse_values(node, type, name);
    }
    return instance;
}

Instance parse_text(std::string_view text, const std::string& class_name, const Schema& schema) {
    if (text.size() > kEmbeddedBytesMax) throw Refusal{kInvalidParameter, "too long"};
    refuse_named_entities(text);
    pugi::xml_document document;
    if (!parse_xml(text, document)) throw Refusal{kInvalidParameter, "not well-formed"};
    const pugi::xml_node root = document.document_element();
    if (std::string_view{root.name()} != "INSTANCE") {
        throw Refusal{kInvalidParameter, fmt::format("{} instead of INSTANCE", root.name())};
    }
    const std::string given = root.attribute("CLASSNAME").value();
    const Class* declared = schema.find(kVirtualizationNamespace, given);
    if (declared == nullptr || !schema.is_a(kVirtualizationNamespace, given, class_name)) {
        throw Refusal{kInvalidParameter, fmt::format("class '{}' is no {}", given, class_name)};
    }
    return parse_instance(root, *declared);
}

std::string format_text(const Scalar& scalar) {
    if (const auto* time = std::get_if<DateTime>(&scalar)) return format_dmtf_datetime(*time);
    return escape_xml(to_text(scalar));
}

}  // namespace

EmbeddedResult parse_embedded(std::string_view text, const std::string& class_name,
                              const Schema& schema) {
    EmbeddedResult result;
    try {
        result.instance = parse_text(text, class_name, schema);
    } catch (const Refusal& refusal) {
        result.return_value = refusal.return_value;
        result.why = refusal.why;
    }
    return result;
}

std::string format_embedded(const Instance& instance, const Class& declared) {
    std::string text = fmt::format("<INSTANCE CLASSNAME=\"{}\">", declared.name);
    for (const auto& [name, type] : declared.properties) {
        const Value& value = instance.at(name);
        const std::string_view base = type.is_reference() ? "string" : std::string_view{type.base};
        if (type.is_array) {
            text += fmt::format("<PROPERTY.ARRAY NAME=\"{}\" TYPE=\"{}\">", name, base);
            if (!value.is_null()) {
                text += "<VALUE.ARRAY>";
                for (const Scalar& item : value.items) {
                    text += fmt::format("<VALUE>{}</VALUE>", format_text(item));
                }
                text += "</VALUE.ARRAY>";
            }
            text += "</PROPERTY.ARRAY>";
            continue;
        }
        text += fmt::format("<PROPERTY NAME=\"{}\" {}TYPE=\"{}\">", name,
                            value.is_null() ? "PROPAGATED=\"true\" " : "", base);
        if (!value.is_null()) {
            text += fmt::format("<VALUE>{}</VALUE>", format_text(value.items.front()));
        }
        text += "</PROPERTY>";
    }
    return text + "</INSTANCE>";
}

}  // namespace entrepot::hostsim
