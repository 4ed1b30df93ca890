// What real hosts declare (data/cim-schema): looked up by tests that judge requests by it.
#pragma once

#include "base/json.h"

#include <optional>
#include <string>
#include <vector>

namespace entrepot::test {

/// One namespace of a host's schema. Value tables count as integers.
class CimSchema {
public:
    /// nullopt where the data is not at hand; then a test has said that it skips.
    static std::optional<CimSchema> load(const std::string& host, const std::string& name_space);

    bool has_class(const std::string& name) const;
    bool is_a(std::string name, const std::string& base) const;
    /// The declared type of a property, inherited ones too; nullopt if there is none.
    std::optional<std::string> property_type(const std::string& class_name,
                                             const std::string& property) const;
    struct Parameter {
        std::string type;
        bool is_out = false;
    };
    std::optional<Parameter> parameter(const std::string& class_name, const std::string& method,
                                       const std::string& name) const;
    bool has_method(const std::string& class_name, const std::string& method) const;

private:
    explicit CimSchema(Json classes) : classes_(std::move(classes)) {}
    /// The class and its bases, nearest first.
    std::vector<const Json*> lineage(const std::string& class_name) const;

    Json classes_;
};

/// True for a type that is written as a whole number: uint8 ... sint64, or a value table.
bool is_integer_type(const std::string& type);

}  // namespace entrepot::test
