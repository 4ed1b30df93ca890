// The settings as they are in force: value, default, and who said so. For people and scripts.
#pragma once

#include "appliance/config/config.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::config {

/// "default", "file", "command-line", "environment"
std::string_view to_string(Source source);

enum class SettingKind { text, path, number, flag };

std::string_view to_string(SettingKind kind);

struct Setting {
    std::string name;   ///< As in the file: "jobs.per_host".
    std::string about;  ///< A line of documentation.
    SettingKind kind = SettingKind::text;
    std::string value;     ///< As text: "true", "4", "" for no path.
    std::string standard;  ///< What holds where nobody says anything.
    Source source = Source::standard;
    std::optional<std::int64_t> least;  ///< Of a number, with most.
    std::optional<std::int64_t> most;
};

/// All of them, in the order of the file. Paths that follow from others are given as they are.
std::vector<Setting> list_settings(const Config& config);

}  // namespace entrepot::config
