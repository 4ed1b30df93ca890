// files list: the partitions of a point's disks, and the folders in them.
#include "appliance/ctl/command.h"
#include "appliance/ctl/files_place.h"
#include "appliance/ctl/format.h"

#include "base/table.h"

#include <fmt/format.h>

namespace entrepot::ctl {
namespace {

struct ListValues {
    std::string place;
    std::string path;
};

std::string remark_on(const Json& volume) {
    std::string remark = text_of(volume, "reason");
    const std::string notice = text_of(volume, "notice");
    if (!remark.empty() && !notice.empty()) remark += "; ";
    return remark + notice;
}

void print_volumes(std::ostream& out, const Json& disks) {
    Table table{{{"disk", Align::right},
                 {"partition", Align::right},
                 {"size", Align::right},
                 {"content"},
                 {"label"},
                 {"remark"}}};
    for (const Json& disk : disks) {
        for (const Json& volume : list_of(disk, "volumes")) {
            const std::string label = text_of(volume, "label");
            table.add_row({std::to_string(number_of(disk, "disk")),
                           std::to_string(number_of(volume, "number")),
                           size_of(volume, "size_bytes"), text_of(volume, "content"),
                           label.empty() ? text_of(volume, "name") : label, remark_on(volume)});
        }
    }
    if (table.is_empty()) {
        out << "No partitions\n";
    } else {
        table.print(out);
    }
    for (const Json& disk : disks) {
        for (const Json& notice : list_of(disk, "notices")) {
            out << fmt::format("disk {}: {}\n", number_of(disk, "disk"),
                               printable(notice.get<std::string>()));
        }
    }
}

std::string shown_name(const Json& file) {
    const std::string name = text_of(file, "name");
    if (text_of(file, "kind") == "folder") return name + "/";
    if (text_of(file, "kind") == "link") return name + " -> " + text_of(file, "link_target");
    const std::string refusal = text_of(file, "refusal");
    return refusal.empty() ? name : fmt::format("{} ({})", name, refusal);
}

void print_files(std::ostream& out, const Json& files) {
    Table table{{{"size", Align::right}, {"modified"}, {"name"}}};
    for (const Json& file : files) {
        const bool is_file = text_of(file, "kind") == "file";
        table.add_row({is_file ? size_of(file, "size_bytes") : "-", local_time_of(file, "modified"),
                       shown_name(file)});
    }
    if (table.is_empty()) {
        out << "The folder is empty\n";
    } else {
        table.print(out);
    }
}

ExitStatus list_folder(Context& context, const FilesPlace& place, const std::string& path) {
    const FoundVolume volume = find_volume(context, place);
    const auto address = [&](const std::string& action) {
        return volume_path(volume.point, volume.disk, volume.volume, action);
    };
    const Json status = context.get(address("file"), {{"path", path}});
    Json files = Json::array();
    if (text_of(status, "kind") == "folder") {
        files = context.get_all(address("files"), "files", {{"path", path}, {"limit", "1000"}});
    } else {
        files.push_back(status);
    }
    context.show({{"point", volume.point},
                  {"disk", volume.disk},
                  {"volume", volume.volume},
                  {"path", text_of(status, "path")},
                  {"files", files}},
                 [&](std::ostream& out) { print_files(out, files); });
    return ExitStatus::done;
}

ExitStatus list(Context& context, const ListValues& values) {
    const FilesPlace place = parse_files_place(values.place);
    if (place.volume || !values.path.empty()) {
        return list_folder(context, place, values.path.empty() ? "/" : values.path);
    }
    const Json disks = read_volumes(context, place);
    context.show({{"disks", disks}}, [&](std::ostream& out) { print_volumes(out, disks); });
    return ExitStatus::done;
}

}  // namespace

void add_files_commands(CommandSet set) {
    CLI::App* group = add_group(set.app, "files", "Files inside the disks of a point");
    add_command<ListValues>(
        *group, set.chosen, "list", "Show the partitions of a point, or a folder of one",
        [](CLI::App& command, ListValues& values) {
            command
                .add_option("PLACE", values.place,
                            "POINT[:DISK[:PARTITION]]; without a partition and a path: which "
                            "there are")
                ->required();
            command.add_option("PATH", values.path, "A folder, or one file");
        },
        list);
    add_files_get_command(*group, set.chosen);
    add_files_versions_command(*group, set.chosen);
    add_files_search_commands(*group, set.chosen);
}

}  // namespace entrepot::ctl
