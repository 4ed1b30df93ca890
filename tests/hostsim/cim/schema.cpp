// Reads the class declarations; a class gets what it inherits at once.
#include "tests/hostsim/cim/schema.h"

#include "base/error.h"
#include "base/file_system.h"

#include <fmt/format.h>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kSchemaBytesMax = 4 * kMiB;
constexpr std::uint32_t kBuild1703 = 15063;
constexpr std::uint32_t kBuild1709 = 16299;
constexpr std::uint32_t kBuild2019 = 17763;
constexpr std::uint32_t kBuild23H2 = 25398;
constexpr const char* kLaterHosts = "later-hosts";

enum class Part { whole, properties, methods };

/// What older hosts do not declare.
struct LateRow {
    const char* class_name;
    Part part;
    const char* name;  ///< Of the property or method.
    std::uint32_t since_build;
};

// hyperv-wmi.md 2.1, 2.2, 2.3, 2.5, 2.7, 2.9, 2.10, 2.12.
constexpr LateRow kLateRows[] = {
    {"Msvm_VirtualSystemSnapshotSettingData", Part::properties, "GuestBackupType", kBuild1703},
    {"Msvm_VirtualSystemExportSettingData", Part::properties, "ExportForLiveMigration", kBuild1703},
    {"Msvm_VirtualSystemExportSettingData", Part::properties, "DisableDifferentialOfIgnoredStorage",
     kBuild1709},
    {"Msvm_VirtualSystemExportSettingData", Part::properties, "ExcludedVirtualHardDisks",
     kBuild1709},
    {"Msvm_StorageAllocationSettingData", Part::properties, "WriteHardeningMethod", kBuild1703},
    {"Msvm_VirtualSystemSettingData", Part::properties, "GuestStateDataRoot", kBuild1709},
    {"Msvm_VirtualSystemSettingData", Part::properties, "GuestStateFile", kBuild1709},
    {"Msvm_VirtualSystemSettingData", Part::properties, "AutomaticSnapshotsEnabled", kBuild1709},
    {"Msvm_VirtualSystemSettingData", Part::properties, "IsAutomaticSnapshot", kBuild1709},
    {"Msvm_VirtualHardDiskSettingData", Part::properties, "PmemAddressAbstractionType", kBuild1709},
    {"Msvm_VirtualHardDiskSettingData", Part::properties, "IsPmemCompatible", kBuild1709},
    {"Msvm_ComputerSystem", Part::properties, "HwThreadsPerCoreRealized", kBuild2019},
    {"Msvm_SecuritySettingData", Part::properties, "BindToHostTpm", kBuild2019},
    {"Msvm_VirtualSystemReferencePointService", Part::methods, "ImportReferencePointMetadata",
     kBuild1703},
    {"Msvm_VirtualSystemReferencePointExportJob", Part::whole, "", kBuild1703},
};

CimType parse_type(std::string text) {
    CimType type;
    if (text.ends_with("[]")) {
        type.is_array = true;
        text.resize(text.size() - 2);
    }
    if (text.starts_with("ref:")) {
        type.base = "ref";
        type.target = text.substr(4);
    } else {
        type.base = text;
    }
    return type;
}

Direction parse_direction(const std::string& text) {
    if (text == "out") return Direction::out;
    return text == "inout" ? Direction::inout : Direction::in;
}

Class parse_class(const std::string& name_space, const std::string& name, const Json& json) {
    Class result;
    result.name_space = name_space;
    result.name = name;
    result.base = json.value("base", std::string{});
    result.keys = json.value("keys", std::vector<std::string>{});
    for (const auto& [property, type] : json.at("properties").items()) {
        result.properties[property] = parse_type(type.get<std::string>());
    }
    if (!json.contains("methods")) return result;
    for (const auto& [method, parameters] : json.at("methods").items()) {
        Parameters& target = result.methods[method];
        for (const auto& [parameter, facts] : parameters.items()) {
            target[parameter] = {parse_direction(facts.at("direction").get<std::string>()),
                                 parse_type(facts.at("type").get<std::string>())};
        }
    }
    return result;
}

Json read_file(const std::filesystem::path& file) {
    PosixFileSystem files;
    return parse_json(as_text(files.read_file(file, kSchemaBytesMax)), file.string());
}

}  // namespace

bool CimType::is_integer() const {
    return base.starts_with("uint") || base.starts_with("sint");
}

Schema::Schema(const std::filesystem::path& file, std::uint32_t os_build) {
    try {
        Json json = read_file(file);
        if (os_build >= kBuild23H2) json.merge_patch(read_file(default_file(kLaterHosts)));
        remove_late(json, os_build);
        for (const auto& [name_space, content] : json.items()) {
            if (content.is_object()) load_namespace(name_space, content.at("classes"));
        }
    } catch (const Json::exception& error) {
        throw Error{ErrorCode::invalid, fmt::format("schema {}: {}", file.string(), error.what())};
    }
}

void Schema::remove_namespace(std::string_view name_space) {
    const auto found = namespaces_.find(name_space);
    if (found != namespaces_.end()) namespaces_.erase(found);
}

std::filesystem::path Schema::default_file(const std::string& name) {
    return std::filesystem::path{ENTREPOT_HOSTSIM_SCHEMA_DIR} / (name + ".json");
}

bool Schema::has_namespace(std::string_view name_space) const {
    return namespaces_.find(name_space) != namespaces_.end();
}

const Class* Schema::find(std::string_view name_space, std::string_view class_name) const {
    const auto space = namespaces_.find(name_space);
    if (space == namespaces_.end()) return nullptr;
    const auto found = space->second.find(class_name);
    return found == space->second.end() ? nullptr : &found->second;
}

bool Schema::is_a(std::string_view name_space, std::string_view class_name,
                  std::string_view ancestor) const {
    for (const Class* step = find(name_space, class_name); step != nullptr;
         step = find(name_space, step->base)) {
        if (same_name(step->name, ancestor)) return true;
    }
    return false;
}

void Schema::load_namespace(const std::string& name_space, const Json& classes) {
    auto& target = namespaces_[name_space];
    for (const auto& [name, json] : classes.items()) {
        target.emplace(name, parse_class(name_space, name, json));
    }
    for (auto& [name, declared] : target) {
        for (const Class* base = find(name_space, declared.base); base != nullptr;
             base = find(name_space, base->base)) {
            inherit(declared, *base);
        }
    }
}

void Schema::inherit(Class& target, const Class& source) const {
    if (target.keys.empty()) target.keys = source.keys;
    target.properties.insert(source.properties.begin(), source.properties.end());
    target.methods.insert(source.methods.begin(), source.methods.end());
}

void Schema::remove_late(Json& json, std::uint32_t os_build) const {
    Json& classes = json.at(kVirtualizationNamespace).at("classes");
    for (const LateRow& late : kLateRows) {
        if (os_build >= late.since_build || !classes.contains(late.class_name)) continue;
        switch (late.part) {
            case Part::whole:
                classes.erase(late.class_name);
                break;
            case Part::properties:
                classes.at(late.class_name).at("properties").erase(late.name);
                break;
            case Part::methods:
                classes.at(late.class_name).at("methods").erase(late.name);
                break;
        }
    }
}

}  // namespace entrepot::hostsim
