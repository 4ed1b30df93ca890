// Object paths of WMI, \\SERVER\root\virtualization\v2:Class.Key="value", and what they become on
// the wire.
#pragma once

#include "exporter/wsman/endpoint_reference.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace entrepot::cim {

/// Class and keys of one instance in a namespace.
struct ObjectPath {
    std::string server;      ///< Empty: a path relative to whoever reads it.
    std::string name_space;  ///< With slashes: "root/virtualization/v2".
    std::string class_name;
    std::vector<std::pair<std::string, std::string>> keys;

    bool operator==(const ObjectPath&) const = default;

    /// Backslashes and quotes in values are escaped. Without a server the namespace keeps slashes.
    std::string to_string() const;
    /// Class and keys alone, values in single quotes, as queries write it in braces.
    std::string to_wql() const;
    std::optional<std::string> key(std::string_view name) const;
};

/// Reads all forms that hosts write; nullopt for what is none.
std::optional<ObjectPath> parse_object_path(std::string_view text);

wsman::EndpointReference to_endpoint_reference(const ObjectPath& path);

/// nullopt if the resource is no WMI class.
std::optional<ObjectPath> to_object_path(const wsman::EndpointReference& reference);

/// The resource URI of a class.
std::string resource_uri(std::string_view name_space, std::string_view class_name);

/// A text as a literal of WQL, with its quotes.
std::string quote_wql(std::string_view text);

}  // namespace entrepot::cim
