// WMI object paths: \\HOST\root\virtualization\v2:Class.Key="value" (hyperv-wmi.md sections
// 1, 1.1).
#pragma once

#include "tests/hostsim/cim/value.h"

#include <optional>
#include <string>
#include <string_view>

namespace entrepot::hostsim {

/// Parses a path with or without server and namespace; nullopt if it is malformed. In the values
/// \\ and \" are escapes, so an InstanceID whose backslashes were not doubled is malformed or
/// another name. Server names other than host_name or "." are refused.
std::optional<ObjectRef> parse_object_path(std::string_view text, std::string_view host_name);

std::string format_object_path(const ObjectRef& ref, std::string_view host_name);

}  // namespace entrepot::hostsim
