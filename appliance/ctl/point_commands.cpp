// point list, show, delete, protect, hold, release.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"
#include "appliance/ctl/point_text.h"

#include "base/clock.h"
#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::ctl {
namespace {

struct PointValues {
    std::string vm;
    std::string point;
    std::string until;
    std::string reason;
};

ExitStatus list_points(Context& context, const PointValues& values) {
    std::map<std::string, std::string> query;
    if (!values.vm.empty()) query["vm"] = values.vm;
    const Json points = context.get_all(api_path("points"), "points", query);
    context.show({{"points", points}}, [&](std::ostream& out) { print_points(out, points); });
    return ExitStatus::done;
}

ExitStatus show_point(Context& context, const PointValues& values) {
    const Json point = context.get(api_path("points", values.point));
    context.show(point, [&](std::ostream& out) { print_point(out, point); });
    return ExitStatus::done;
}

ExitStatus delete_point(Context& context, const PointValues& values) {
    const Json point = context.get(api_path("points", values.point));
    const std::string id = text_of(point, "id");
    context.confirm(fmt::format("Delete point {} of {} ({})? This cannot be undone.", short_id(id),
                                text_of(point.at("vm"), "name"), local_time_of(point, "time")),
                    Context::WithoutTerminal::refuse);
    context.remove(api_path("points", id));
    context.show_done(
        fmt::format("Point {} was deleted; entrepot gc gives its space back", short_id(id)),
        {{"removed", {id}}});
    return ExitStatus::done;
}

// "2027-01-31" means the end of that day, UTC: protection errs on the long side.
std::string parse_until(const std::string& text) {
    if (parse_time(text)) return text;
    const std::string end_of_day = text + "T23:59:59Z";
    if (parse_time(end_of_day)) return end_of_day;
    throw Error{ErrorCode::usage, fmt::format("\"{}\" is no date", text),
                "write 2027-01-31, or 2027-01-31T18:00:00Z"};
}

ExitStatus protect_point(Context& context, const PointValues& values) {
    const Json point = context.post(api_path("points", values.point, "protect"),
                                    {{"until", parse_until(values.until)}});
    context.show_done(fmt::format("Point {} is protected until {}", short_id(text_of(point, "id")),
                                  local_time_of(point, "protected_until")),
                      point);
    return ExitStatus::done;
}

ExitStatus hold_point(Context& context, const PointValues& values) {
    const Json point =
        context.post(api_path("points", values.point, "hold"), {{"reason", values.reason}});
    context.show_done(
        fmt::format("Point {} is held until it is released", short_id(text_of(point, "id"))),
        point);
    return ExitStatus::done;
}

ExitStatus release_point(Context& context, const PointValues& values) {
    const Json point = context.post(api_path("points", values.point, "release"));
    context.show_done(fmt::format("Point {} is no longer held", short_id(text_of(point, "id"))),
                      point);
    return ExitStatus::done;
}

void declare_point(CLI::App& command, PointValues& values) {
    command.add_option("POINT", values.point, "An id, a unique prefix of one, or VM@latest")
        ->required();
}

}  // namespace

void add_point_commands(CommandSet set) {
    CLI::App* group = add_group(set.app, "point", "Recovery points");
    add_command<PointValues>(
        *group, set.chosen, "list", "Show the points, newest first",
        [](CLI::App& command, PointValues& values) {
            command.add_option("VM", values.vm, "Only this VM's: name or GUID");
        },
        list_points);
    add_command<PointValues>(*group, set.chosen, "show", "Show one point with its disks",
                             declare_point, show_point);
    add_command<PointValues>(*group, set.chosen, "delete", "Delete a point for good", declare_point,
                             delete_point);
    add_command<PointValues>(
        *group, set.chosen, "protect", "Keep a point until a date; can only be extended",
        [](CLI::App& command, PointValues& values) {
            declare_point(command, values);
            command.add_option("--until", values.until, "2027-01-31, or a time of RFC 3339")
                ->required()
                ->type_name("DATE");
        },
        protect_point);
    add_command<PointValues>(
        *group, set.chosen, "hold", "Keep a point until it is released",
        [](CLI::App& command, PointValues& values) {
            declare_point(command, values);
            command.add_option("--reason", values.reason, "Why")->required();
        },
        hold_point);
    add_command<PointValues>(*group, set.chosen, "release", "End a hold", declare_point,
                             release_point);
}

}  // namespace entrepot::ctl
