// files versions: in which points a path is, and where it is the same.
#include "appliance/ctl/command.h"
#include "appliance/ctl/files_place.h"
#include "appliance/ctl/format.h"

#include "base/table.h"

#include <fmt/format.h>

namespace entrepot::ctl {
namespace {

constexpr std::size_t kVersionPagesMax = 10'000;

struct VersionsValues {
    std::string place;
    std::string path;
};

// Pages may each have a part of one version's points.
void add_version(Json& versions, const Json& version) {
    for (Json& known : versions) {
        if (text_of(known, "key") != text_of(version, "key")) continue;
        for (const Json& point : list_of(version, "points"))
            known["points"].push_back(point);
        return;
    }
    versions.push_back(version);
}

Json read_versions(Context& context, const FoundVolume& volume, const std::string& path) {
    const std::string address = volume_path(volume.point, volume.disk, volume.volume, "versions");
    std::map<std::string, std::string> query{{"path", path}};
    Json all{{"path", path},
             {"versions", Json::array()},
             {"absent", Json::array()},
             {"unread", Json::array()}};
    for (std::size_t count = 0; count < kVersionPagesMax; ++count) {
        const Json page = context.get(address, query);
        for (const Json& version : list_of(page, "versions"))
            add_version(all["versions"], version);
        for (const char* noun : {"absent", "unread"}) {
            for (const Json& point : list_of(page, noun))
                all[noun].push_back(point);
        }
        query["cursor"] = text_of(page, "next_cursor");
        if (query["cursor"].empty()) break;
    }
    return all;
}

void print_versions(std::ostream& out, const Json& all) {
    Table table{{{"size", Align::right},
                 {"modified"},
                 {"points", Align::right},
                 {"newest"},
                 {"of"},
                 {"oldest"},
                 {"of"},
                 {"remark"}}};
    for (const Json& version : list_of(all, "versions")) {
        const Json& points = list_of(version, "points");
        const bool is_file = text_of(version, "kind") == "file";
        const std::string refusal = text_of(version, "refusal");
        table.add_row({is_file ? size_of(version, "size_bytes") : text_of(version, "kind"),
                       local_time_of(version, "modified"), std::to_string(points.size()),
                       short_id(text_of(points.front(), "id")),
                       local_time_of(points.front(), "time"),
                       short_id(text_of(points.back(), "id")), local_time_of(points.back(), "time"),
                       printable(refusal)});
    }
    if (table.is_empty()) {
        out << "In no point\n";
    } else {
        table.print(out);
    }
    const std::size_t absent_count = list_of(all, "absent").size();
    if (absent_count > 0) out << fmt::format("{} without it\n", plural(absent_count, "point"));
    for (const Json& point : list_of(all, "unread")) {
        out << fmt::format("{} of {} cannot tell: {}\n", short_id(text_of(point, "id")),
                           local_time_of(point, "time"), printable(text_of(point, "reason")));
    }
}

ExitStatus show_versions(Context& context, const VersionsValues& values) {
    const FoundVolume volume = find_volume(context, parse_files_place(values.place));
    const Json all = read_versions(context, volume, values.path);
    context.show(all, [&](std::ostream& out) { print_versions(out, all); });
    return list_of(all, "unread").empty() ? ExitStatus::done : ExitStatus::partly;
}

}  // namespace

void add_files_versions_command(CLI::App& group, Action& chosen) {
    add_command<VersionsValues>(
        group, chosen, "versions", "Show in which points of the VM a file is, and where the same",
        [](CLI::App& command, VersionsValues& values) {
            command
                .add_option("PLACE", values.place,
                            "POINT[:DISK[:PARTITION]]; any point of the VM, and where the file is")
                ->required();
            command.add_option("PATH", values.path, "As files list shows it")->required();
        },
        show_versions);
}

}  // namespace entrepot::ctl
