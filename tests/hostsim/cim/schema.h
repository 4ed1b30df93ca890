// The classes that a host declares, read from tests/hostsim/schema.
#pragma once

#include "base/json.h"
#include "tests/hostsim/cim/value.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::hostsim {

/// "uint16", "string", "datetime", "boolean" or "ref", perhaps an array of it.
struct CimType {
    std::string base;
    std::string target;  ///< Of a reference: the class it points to.
    bool is_array = false;

    bool is_reference() const { return base == "ref"; }
    bool is_integer() const;
};

enum class Direction { in, out, inout };

struct Parameter {
    Direction direction = Direction::in;
    CimType type;
};

using Parameters = std::map<std::string, Parameter, NameLess>;

struct Class {
    std::string name_space;
    std::string name;
    std::string base;  ///< Empty for a root.
    std::vector<std::string> keys;
    std::map<std::string, CimType, NameLess> properties;  ///< Inherited ones too, in wire order.
    std::map<std::string, Parameters, NameLess> methods;  ///< Inherited ones too.
};

class Schema {
public:
    /// Throws Error{invalid} for a file that is not a schema. A build before the one that a class,
    /// property or method came with lacks it; later builds have what later-hosts.json adds.
    Schema(const std::filesystem::path& file, std::uint32_t os_build);

    /// For a host without that role.
    void remove_namespace(std::string_view name_space);

    /// The file of a schema's name, beside the simulator's sources.
    static std::filesystem::path default_file(const std::string& name);

    bool has_namespace(std::string_view name_space) const;
    /// Nullptr if there is no such class in that namespace.
    const Class* find(std::string_view name_space, std::string_view class_name) const;
    /// True if the class is the other one or derives from it.
    bool is_a(std::string_view name_space, std::string_view class_name,
              std::string_view ancestor) const;

private:
    void load_namespace(const std::string& name_space, const Json& classes);
    void inherit(Class& target, const Class& source) const;
    void remove_late(Json& json, std::uint32_t os_build) const;

    std::map<std::string, std::map<std::string, Class, NameLess>, NameLess> namespaces_;
};

}  // namespace entrepot::hostsim
