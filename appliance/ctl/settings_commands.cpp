// settings: what is in force and who said so; and those that take effect while the daemon runs.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"

#include "base/error.h"
#include "base/table.h"

#include <fmt/format.h>

#include <charconv>

namespace entrepot::ctl {
namespace {

constexpr std::string_view kAsConfigured = "configured";

struct ListSettingsValues {};

struct SetValues {
    std::string name;
    std::string value;
};

std::string effect_of(const Json& setting) {
    return setting.value("needs_restart", true) ? "at a restart" : "at once";
}

void print_settings(std::ostream& out, const Json& answer) {
    Table table{{{"SETTING"}, {"VALUE"}, {"SAID BY"}, {"TAKES EFFECT"}}};
    for (const Json& setting : list_of(answer, "settings")) {
        const std::string value = text_of(setting, "value");
        table.add_row({text_of(setting, "name"), value.empty() ? "-" : value,
                       text_of(setting, "source"), effect_of(setting)});
    }
    table.print(out);
    out << printable(fmt::format("The file is {}{}", text_of(answer, "file"),
                                 answer.value("has_file", false) ? "" : ", which is not there"))
        << "\n";
}

ExitStatus list_settings(Context& context, const ListSettingsValues&) {
    const Json answer = context.get(api_path("settings"));
    context.show(answer, [&](std::ostream& out) { print_settings(out, answer); });
    return ExitStatus::done;
}

Json value_from(const std::string& text) {
    if (text == kAsConfigured) return nullptr;
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (text.empty() || error != std::errc{} || stop != end) {
        throw Error{ErrorCode::usage,
                    fmt::format("\"{}\" is neither a number nor \"{}\"", text, kAsConfigured)};
    }
    return number;
}

ExitStatus set_setting(Context& context, const SetValues& values) {
    const Json change{{"name", values.name}, {"value", value_from(values.value)}};
    const Json answer = context.patch(api_path("settings"), {{"changes", Json::array({change})}});
    for (const Json& setting : list_of(answer, "settings")) {
        if (text_of(setting, "name") != values.name) continue;
        context.show_done(fmt::format("{} is {}", values.name, text_of(setting, "value")), setting);
    }
    return ExitStatus::done;
}

}  // namespace

void add_settings_commands(CommandSet set) {
    CLI::App* group =
        add_group(set.app, "settings", "What is set, by whom, and what can be changed");
    add_command<ListSettingsValues>(
        *group, set.chosen, "list",
        "Every setting: value, who said it, and when a change takes effect",
        [](CLI::App&, ListSettingsValues&) {}, list_settings);
    add_command<SetValues>(
        *group, set.chosen, "set",
        "Change a setting that takes effect at once, also for jobs that run",
        [](CLI::App& command, SetValues& values) {
            command.add_option("NAME", values.name, "As in settings list")->required();
            command
                .add_option("VALUE", values.value,
                            "A number; or \"configured\": what the configuration says")
                ->required();
        },
        set_setting);
}

}  // namespace entrepot::ctl
