// Writing and reading of embedded instances.
#include "exporter/cim/embedded_instance.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::cim {
namespace {

using wsman::escape_xml_numeric;
using wsman::XmlElement;

// MS-WMIO writes VALUE, CIM-XML arrays VALUE.ARRAY with VALUE inside.
void read_property(const XmlElement& element, Instance& instance) {
    const std::string name = element.attribute("", "NAME").value_or("");
    if (name.empty()) throw Error{ErrorCode::protocol, "an embedded property without a name"};
    instance.add_null(name);
    const XmlElement* array = element.find("", "VALUE.ARRAY");
    for (const XmlElement& value : (array == nullptr ? element : *array).children) {
        if (value.is("", "VALUE")) instance.add(name, {Value::Kind::text, value.text, {}});
    }
}

}  // namespace

EmbeddedInstance::EmbeddedInstance(std::string_view class_name)
    : xml_(fmt::format("<INSTANCE CLASSNAME=\"{}\">", escape_xml_numeric(class_name))) {}

EmbeddedInstance& EmbeddedInstance::scalar(std::string_view name, std::string_view type,
                                           std::string_view value) {
    xml_ += fmt::format("<PROPERTY NAME=\"{}\" TYPE=\"{}\"><VALUE>{}</VALUE></PROPERTY>",
                        escape_xml_numeric(name), type, escape_xml_numeric(value));
    return *this;
}

EmbeddedInstance& EmbeddedInstance::text(std::string_view name, std::string_view value) {
    return scalar(name, "string", value);
}

EmbeddedInstance& EmbeddedInstance::texts(std::string_view name,
                                          const std::vector<std::string>& values) {
    xml_ += fmt::format("<PROPERTY.ARRAY NAME=\"{}\" TYPE=\"string\"><VALUE.ARRAY>",
                        escape_xml_numeric(name));
    for (const std::string& value : values) {
        xml_ += fmt::format("<VALUE>{}</VALUE>", escape_xml_numeric(value));
    }
    xml_ += "</VALUE.ARRAY></PROPERTY.ARRAY>";
    return *this;
}

EmbeddedInstance& EmbeddedInstance::boolean(std::string_view name, bool value) {
    return scalar(name, "boolean", value ? "true" : "false");
}

EmbeddedInstance& EmbeddedInstance::u8(std::string_view name, std::uint8_t value) {
    return scalar(name, "uint8", fmt::format("{}", value));
}

EmbeddedInstance& EmbeddedInstance::u16(std::string_view name, std::uint16_t value) {
    return scalar(name, "uint16", fmt::format("{}", value));
}

EmbeddedInstance& EmbeddedInstance::u32(std::string_view name, std::uint32_t value) {
    return scalar(name, "uint32", fmt::format("{}", value));
}

std::string EmbeddedInstance::to_xml() const {
    return xml_ + "</INSTANCE>";
}

Instance decode_embedded_instance(const std::string& text) {
    const XmlElement root = wsman::parse_xml(text, "an embedded instance");
    if (!root.is("", "INSTANCE")) {
        throw Error{ErrorCode::protocol,
                    fmt::format("an embedded instance is {} instead of INSTANCE", root.name)};
    }
    Instance instance{root.attribute("", "CLASSNAME").value_or("")};
    for (const XmlElement& child : root.children) {
        const bool is_property = child.is("", "PROPERTY") || child.is("", "PROPERTY.ARRAY");
        if (is_property) read_property(child, instance);
    }
    return instance;
}

}  // namespace entrepot::cim
