// The defaults are those of a Config that nobody touched.
#include "appliance/config/settings.h"

#include "appliance/config/setting_table.h"

#include <fmt/format.h>

namespace entrepot::config {
namespace {

std::string text_of(const std::filesystem::path& path) {
    return path.string();
}

std::string text_of(const std::string& text) {
    return text;
}

std::string text_of(bool flag) {
    return flag ? "true" : "false";
}

std::string text_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "debug";
        case LogLevel::info:
            return "info";
        case LogLevel::warning:
            return "warning";
        case LogLevel::error:
            return "error";
    }
    return "";
}

std::string text_of(const std::vector<std::string>& names) {
    return fmt::format("{}", fmt::join(names, ", "));
}

std::string text_of(const ListenAddress& listen) {
    const bool is_v6 = listen.address.find(':') != std::string::npos;
    return (is_v6 ? "[" + listen.address + "]" : listen.address) + ":" +
           std::to_string(listen.port);
}

SettingKind kind_of(const std::filesystem::path&) {
    return SettingKind::path;
}

SettingKind kind_of(bool) {
    return SettingKind::flag;
}

template <typename Other>
SettingKind kind_of(const Other&) {
    return SettingKind::text;
}

class Describer {
public:
    template <typename Value>
    void visit(std::string_view key, std::string_view about, const Value& value) {
        Setting setting;
        setting.name = key;
        setting.about = about;
        setting.kind = kind_of(value);
        setting.value = text_of(value);
        settings.push_back(std::move(setting));
    }

    template <typename Number>
    void visit(std::string_view key, std::string_view about, const Number& value,
               const Bounds& bounds) {
        Setting setting;
        setting.name = key;
        setting.about = about;
        setting.kind = SettingKind::number;
        setting.value = std::to_string(value);
        setting.least = bounds.least;
        setting.most = bounds.most;
        settings.push_back(std::move(setting));
    }

    std::vector<Setting> settings;
};

std::vector<Setting> describe(const Config& config) {
    Describer describer;
    visit_settings(config, describer);
    return std::move(describer.settings);
}

Config with_places(Config config) {
    config.repository_path = config.repository_directory();
    config.samba_directory = config.samba_place();
    return config;
}

// The defaults, where this appliance is: the default of a place below another follows from that.
Config standard_beside(const Config& config) {
    Config standard;
    Config here;
    here.data_directory = config.data_directory;
    standard.repository_path = here.repository_directory();
    standard.samba_directory = here.samba_place();
    return standard;
}

}  // namespace

std::string_view to_string(Source source) {
    switch (source) {
        case Source::standard:
            return "default";
        case Source::file:
            return "file";
        case Source::command_line:
            return "command-line";
        case Source::environment:
            return "environment";
    }
    return "";
}

std::string_view to_string(SettingKind kind) {
    switch (kind) {
        case SettingKind::text:
            return "text";
        case SettingKind::path:
            return "path";
        case SettingKind::number:
            return "number";
        case SettingKind::flag:
            return "flag";
    }
    return "";
}

std::vector<Setting> list_settings(const Config& config) {
    std::vector<Setting> settings = describe(with_places(config));
    const std::vector<Setting> standards = describe(standard_beside(config));
    for (std::size_t i = 0; i < settings.size(); ++i) {
        settings[i].standard = standards[i].value;
        const auto said = config.sources.find(settings[i].name);
        if (said != config.sources.end()) settings[i].source = said->second;
    }
    return settings;
}

}  // namespace entrepot::config
