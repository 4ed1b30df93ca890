// growth: how large the repository was on each day, and when its space runs out.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"

#include "base/bytes.h"
#include "base/table.h"

#include <fmt/format.h>

namespace entrepot::ctl {
namespace {

constexpr std::uint32_t kGrowthDaysDefault = 14;

struct GrowthValues {
    std::uint32_t days = kGrowthDaysDefault;
};

std::string day_of(const Json& object, const std::string& name) {
    return text_of(object, name).substr(0, std::string_view{"2026-01-31"}.size());
}

std::string size_or_dash(const Json& object, const std::string& name) {
    return object.value(name, Json{}).is_number() ? size_of(object, name) : "-";
}

std::string forecast_text(const Json& growth) {
    const Json pace = growth.value("bytes_per_day", Json{});
    if (!pace.is_number_integer()) return "No forecast: " + text_of(growth, "reason");
    const auto gained = pace.get<std::int64_t>();
    const std::string size = format_size(static_cast<std::uint64_t>(gained < 0 ? -gained : gained));
    const std::string full = day_of(growth, "full_at");
    return fmt::format("{} {} a day, by the last {}: {}", size, gained < 0 ? "less" : "more",
                       plural(number_of(growth, "based_on_days"), "day"),
                       full.empty() ? "not full within ten years" : "full about " + full);
}

void print_growth(std::ostream& out, const Json& growth) {
    Table table{{{"DAY"},
                 {"STORED", Align::right},
                 {"GUEST DATA", Align::right},
                 {"POINTS", Align::right},
                 {"FREE", Align::right}}};
    for (const Json& sample : list_of(growth, "samples")) {
        table.add_row({day_of(sample, "time"), size_of(sample, "stored_bytes"),
                       size_of(sample, "logical_bytes"),
                       std::to_string(number_of(sample, "points")),
                       size_or_dash(sample, "free_bytes")});
    }
    if (!table.is_empty()) table.print(out);
    out << printable(forecast_text(growth)) << "\n";
}

ExitStatus show_growth(Context& context, const GrowthValues& values) {
    const Json growth =
        context.get(api_path("repository/growth"), {{"days", std::to_string(values.days)}});
    context.show(growth, [&](std::ostream& out) { print_growth(out, growth); });
    return ExitStatus::done;
}

}  // namespace

void add_growth_command(CommandSet set) {
    add_command<GrowthValues>(
        set.app, set.chosen, "growth",
        "Show the repository's size by day, as the daemon wrote it down, and when space runs out",
        [](CLI::App& command, GrowthValues& values) {
            command.add_option("--days", values.days, "How far back (default: 14)")
                ->check(CLI::Range(1, 1100));
        },
        show_growth);
}

}  // namespace entrepot::ctl
