// Reads the JSON that README.md beside it describes.
#include "tests/unit/exporter/cim_schema.h"

#include "base/bytes.h"
#include "base/file_system.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace entrepot::test {

std::optional<CimSchema> CimSchema::load(const std::string& host, const std::string& name_space) {
    const char* shared = std::getenv("ENTREPOT_SHARED");
    const std::filesystem::path root =
        shared != nullptr ? std::filesystem::path{shared}
                          : std::filesystem::path{ENTREPOT_SOURCE_DIR}.parent_path() / "shared";
    const auto file = root / "data" / "cim-schema" / (host + ".json");
    if (!std::filesystem::exists(file)) {
        WARN("skipped: there is no " << file.string() << "; set ENTREPOT_SHARED");
        return std::nullopt;
    }
    PosixFileSystem files;
    const Json all =
        parse_json(as_text(files.read_file(file, 16 * kMiB)), file.string(), 16 * kMiB);
    return CimSchema{all.at(name_space).at("classes")};
}

std::vector<const Json*> CimSchema::lineage(const std::string& class_name) const {
    constexpr std::size_t kDepthMax = 20;
    std::vector<const Json*> classes;
    std::string name = class_name;
    while (classes.size() < kDepthMax) {
        const auto found = classes_.find(name);
        if (found == classes_.end()) break;
        classes.push_back(&*found);
        name = found->value("base", "");
    }
    return classes;
}

bool CimSchema::has_class(const std::string& name) const {
    return classes_.contains(name);
}

bool CimSchema::is_a(std::string name, const std::string& base) const {
    while (has_class(name)) {
        if (name == base) return true;
        name = classes_.at(name).value("base", "");
    }
    return false;
}

std::optional<std::string> CimSchema::property_type(const std::string& class_name,
                                                    const std::string& property) const {
    for (const Json* one : lineage(class_name)) {
        const Json properties = one->value("properties", Json::object());
        const auto found = properties.find(property);
        if (found != properties.end()) return found->get<std::string>();
    }
    return std::nullopt;
}

bool CimSchema::has_method(const std::string& class_name, const std::string& method) const {
    const auto classes = lineage(class_name);
    return std::any_of(classes.begin(), classes.end(), [&](const Json* one) {
        return one->value("methods", Json::object()).contains(method);
    });
}

std::optional<CimSchema::Parameter> CimSchema::parameter(const std::string& class_name,
                                                         const std::string& method,
                                                         const std::string& name) const {
    for (const Json* one : lineage(class_name)) {
        const Json methods = one->value("methods", Json::object());
        const auto found = methods.find(method);
        if (found == methods.end()) continue;
        const auto declared = found->find(name);
        if (declared == found->end()) return std::nullopt;
        return Parameter{declared->at("type"), declared->value("direction", "") == "out"};
    }
    return std::nullopt;
}

bool is_integer_type(const std::string& type) {
    const bool is_number = type.starts_with("uint") || type.starts_with("sint");
    // "VirtualSystemSnapshotService_SnapshotType" names a table of values.
    const bool is_table = type.find('_') != std::string::npos && !type.starts_with("Msvm_") &&
                          !type.starts_with("CIM_");
    return is_number || is_table;
}

}  // namespace entrepot::test
