// Serialises instances the way the recorded answers of real hosts look.
#include "tests/hostsim/cim/instance_xml.h"

#include "tests/hostsim/cim/xml.h"

#include <fmt/format.h>

namespace entrepot::hostsim {
namespace {

std::string scalar_content(const Scalar& scalar, std::string_view cim_prefix) {
    if (std::holds_alternative<DateTime>(scalar)) {
        return fmt::format("<{0}Datetime>{1}</{0}Datetime>", cim_prefix, to_text(scalar));
    }
    if (std::holds_alternative<Interval>(scalar)) {
        return fmt::format("<{0}Interval>{1}</{0}Interval>", cim_prefix, to_text(scalar));
    }
    return escape_xml(to_text(scalar));
}

std::string element_xml(std::string_view prefix, const std::string& name, const Scalar& scalar) {
    if (const auto* ref = std::get_if<ObjectRef>(&scalar)) {
        return fmt::format("<{0}{1} xmlns:a=\"{2}\" xmlns:w=\"{3}\">{4}</{0}{1}>", prefix, name,
                           ns::kAddressing, ns::kWsman, reference_content_xml(*ref));
    }
    const std::string_view cim_prefix = prefix.empty() ? "" : "cim:";
    return fmt::format("<{0}{1}>{2}</{0}{1}>", prefix, name, scalar_content(scalar, cim_prefix));
}

/// A NULL scalar is there and says so; a NULL array is not there at all.
std::string property_xml(std::string_view prefix, const std::string& name, const CimType& type,
                         const Value& value) {
    if (value.is_null()) {
        if (type.is_array) return {};
        return fmt::format("<{}{} xsi:nil=\"true\"/>", prefix, name);
    }
    std::string text;
    for (const Scalar& item : value.items) {
        text += element_xml(prefix, name, item);
        if (!type.is_array) break;
    }
    return text;
}

}  // namespace

std::string resource_uri(std::string_view name_space, std::string_view class_name) {
    return fmt::format("{}{}/{}", kResourcePrefix, name_space, class_name);
}

std::string instance_xml(const Instance& instance, const Class& declared) {
    std::string text = fmt::format(
        "<p:{0} xmlns:xsi=\"{1}\" xmlns:p=\"{2}\" xmlns:cim=\"{3}\" xsi:type=\"p:{0}_Type\">",
        declared.name, ns::kXsi, resource_uri(declared.name_space, declared.name), ns::kCim);
    for (const auto& [name, type] : declared.properties) {
        text += property_xml("p:", name, type, instance.at(name));
    }
    return text + fmt::format("</p:{}>", declared.name);
}

std::string fragment_xml(const Instance& instance, const Class& declared,
                         const std::vector<std::string>& properties) {
    std::string text =
        fmt::format("<w:XmlFragment xmlns:w=\"{}\" xmlns:xsi=\"{}\">", ns::kWsman, ns::kXsi);
    for (const auto& [name, type] : declared.properties) {
        for (const std::string& wanted : properties) {
            if (same_name(wanted, name)) text += property_xml("", name, type, instance.at(name));
        }
    }
    return text + "</w:XmlFragment>";
}

std::string reference_content_xml(const ObjectRef& ref) {
    std::string text = fmt::format(
        "<a:Address>{}</a:Address><a:ReferenceParameters><w:ResourceURI>{}</w:ResourceURI>"
        "<w:SelectorSet>",
        kAnonymous, resource_uri(ref.name_space, ref.class_name));
    for (const auto& [name, value] : ref.keys) {
        text += fmt::format("<w:Selector Name=\"{}\">{}</w:Selector>", name, escape_xml(value));
    }
    return text + "</w:SelectorSet></a:ReferenceParameters>";
}

std::string endpoint_reference_xml(const ObjectRef& ref) {
    return fmt::format("<a:EndpointReference>{}</a:EndpointReference>", reference_content_xml(ref));
}

std::string parameter_xml(const std::string& name, const Value& value) {
    std::string text;
    for (const Scalar& item : value.items)
        text += element_xml("p:", name, item);
    return text;
}

std::optional<ObjectRef> parse_reference(const pugi::xml_node& parameter) {
    pugi::xml_node holder = parameter;
    if (const auto wrapper = child_of(parameter, ns::kAddressing, "EndpointReference")) {
        holder = wrapper;
    }
    const auto parameters = child_of(holder, ns::kAddressing, "ReferenceParameters");
    if (!child_of(holder, ns::kAddressing, "Address") || !parameters) return std::nullopt;
    const std::string uri = trimmed_text_of(child_of(parameters, ns::kWsman, "ResourceURI"));
    const std::size_t slash = uri.rfind('/');
    if (!uri.starts_with(kResourcePrefix) || slash < kResourcePrefix.size()) return std::nullopt;
    ObjectRef ref;
    ref.name_space = uri.substr(kResourcePrefix.size(), slash - kResourcePrefix.size());
    ref.class_name = uri.substr(slash + 1);
    for (const auto& selector : child_elements(child_of(parameters, ns::kWsman, "SelectorSet"))) {
        if (!is_element(selector, ns::kWsman, "Selector")) return std::nullopt;
        ref.keys[selector.attribute("Name").value()] = text_of(selector);
    }
    return ref;
}

ObjectRef reference_of(const Instance& instance, const Class& declared) {
    ObjectRef ref;
    ref.name_space = declared.name_space;
    ref.class_name = declared.name;
    for (const std::string& key : declared.keys) {
        const Value& value = instance.at(key);
        if (!value.is_null()) ref.keys[key] = to_text(value.items.front());
    }
    return ref;
}

}  // namespace entrepot::hostsim
