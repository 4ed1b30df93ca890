// Embedded instances: CIM-XML text inside a string parameter (wsman.md section 8).
#pragma once

#include "tests/hostsim/cim/schema.h"
#include "tests/hostsim/cim/value.h"

#include <optional>
#include <string>
#include <string_view>

namespace entrepot::hostsim {

/// The outcome of reading an embedded instance: an instance, or what the method returns.
struct EmbeddedResult {
    std::optional<Instance> instance;
    std::uint32_t return_value = 0;
    std::string why;
};

/// Reads the text as strictly as Hyper-V does: &amp; inside a VALUE gives 32768, &lt; and what the
/// class does not declare, or another type, gives 32773. The class must be `class_name` or derive
/// from it.
EmbeddedResult parse_embedded(std::string_view text, const std::string& class_name,
                              const Schema& schema);

/// The text that a host returns in an embedded out parameter: every property of the class, NULL
/// as a PROPERTY without VALUE.
std::string format_embedded(const Instance& instance, const Class& declared);

}  // namespace entrepot::hostsim
