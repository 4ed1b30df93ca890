// Instances inside string parameters: CIM-XML text (DSP0201 "INSTANCE"; wsman 8, hyperv-wmi 1.1).
#pragma once

#include "exporter/cim/instance.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::cim {

/// Builds the text of an instance; properties that are not set keep the host's default.
class EmbeddedInstance {
public:
    explicit EmbeddedInstance(std::string_view class_name);

    EmbeddedInstance& text(std::string_view name, std::string_view value);
    EmbeddedInstance& texts(std::string_view name, const std::vector<std::string>& values);
    EmbeddedInstance& boolean(std::string_view name, bool value);
    EmbeddedInstance& u8(std::string_view name, std::uint8_t value);
    EmbeddedInstance& u16(std::string_view name, std::uint16_t value);
    EmbeddedInstance& u32(std::string_view name, std::uint32_t value);

    /// Values are written with numeric character references: Hyper-V's parser takes no others.
    std::string to_xml() const;

private:
    EmbeddedInstance& scalar(std::string_view name, std::string_view type, std::string_view value);
    std::string xml_;
};

/// Reads such a text. Throws Error{protocol} or {limit} like wsman::parse_xml.
Instance decode_embedded_instance(const std::string& text);

}  // namespace entrepot::cim
