// files search, index, indexes: files of guests by name.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"
#include "appliance/ctl/job_follower.h"

#include "base/error.h"
#include "base/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace entrepot::ctl {
namespace {

constexpr std::size_t kSearchPagesMax = 100'000;
constexpr std::size_t kFoundDefault = 1000;
constexpr std::size_t kFoundMost = 100'000;

struct SearchValues {
    std::string name;
    std::string vm;
    std::string host;
    std::string point;
    std::size_t count_max = kFoundDefault;
};

struct IndexValues {
    std::vector<std::string> points;
};

struct IndexesValues {
    std::string vm;
};

// Equal but for the points.
std::string key_of(Json file) {
    file.erase("points");
    file.erase("disk");
    return dump_json(file);
}

class Found {
public:
    void add(const Json& file) {
        const auto [known, is_new] = positions_.emplace(key_of(file), files_.size());
        if (is_new) {
            files_.push_back(file);
            return;
        }
        Json& points = files_[known->second]["points"];
        for (const Json& point : list_of(file, "points")) {
            if (std::ranges::find(points, point) == points.end()) points.push_back(point);
        }
    }
    std::size_t size() const { return files_.size(); }
    Json take() { return std::move(files_); }

private:
    std::map<std::string, std::size_t> positions_;
    Json files_ = Json::array();
};

std::map<std::string, std::string> query_of(const SearchValues& values) {
    std::map<std::string, std::string> query{{"name", values.name}};
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) query[name] = value;
    };
    add("vm", values.vm);
    add("host", values.host);
    add("point", values.point);
    query["limit"] = std::to_string(std::min<std::size_t>(values.count_max, kFoundDefault));
    return query;
}

Json search_all(Context& context, const SearchValues& values) {
    auto query = query_of(values);
    Found found;
    Json answer;
    std::string next;
    for (std::size_t page = 0; page < kSearchPagesMax; ++page) {
        answer = context.get(api_path("files/search"), query);
        for (const Json& file : list_of(answer, "files"))
            found.add(file);
        next = text_of(answer, "next_cursor");
        if (next.empty() || found.size() >= values.count_max) break;
        query["cursor"] = next;
    }
    return {{"files", found.take()},
            {"is_complete", next.empty()},
            {"unindexed_points", number_of(answer, "unindexed_points")}};
}

// The place as files get takes it, in the newest of the points.
std::string place_of(const Json& file) {
    const Json& points = list_of(file, "points");
    return fmt::format("{}:{}:{}", points.empty() ? "?" : short_id(text_of(points.front(), "id")),
                       number_of(file, "disk"), number_of(file, "volume"));
}

void print_found(std::ostream& out, const Json& all) {
    Table table{{{"size", Align::right},
                 {"modified"},
                 {"VM"},
                 {"points", Align::right},
                 {"newest place"},
                 {"path"}}};
    for (const Json& file : list_of(all, "files")) {
        const bool is_file = text_of(file, "kind") == "file";
        table.add_row({is_file ? size_of(file, "size_bytes") : text_of(file, "kind"),
                       local_time_of(file, "modified"), text_of(file.at("vm"), "name"),
                       std::to_string(list_of(file, "points").size()), place_of(file),
                       text_of(file, "path")});
    }
    if (table.is_empty()) {
        out << "Nothing was found\n";
    } else {
        table.print(out);
    }
    if (!all.value("is_complete", true)) out << "There are more: say more of the name\n";
    const std::uint64_t unindexed = number_of(all, "unindexed_points");
    if (unindexed == 0) return;
    out << fmt::format("{} not searched: entrepot files index POINT makes it ready\n",
                       plural(unindexed, "point"));
}

ExitStatus search(Context& context, const SearchValues& values) {
    const Json all = search_all(context, values);
    context.show(all, [&](std::ostream& out) { print_found(out, all); });
    return ExitStatus::done;
}

ExitStatus index_points(Context& context, const IndexValues& values) {
    Json results = Json::array();
    bool is_whole = true;
    for (const std::string& point : values.points) {
        const JobResult result = run_job(context, api_path("files/indexes"), {{"point", point}});
        is_whole = is_whole && !result.is_partly;
        results.push_back(result.result);
    }
    context.show({{"indexes", results}}, [&](std::ostream& out) {
        for (const Json& result : results) {
            out << fmt::format("{}: {} can be searched\n", short_id(text_of(result, "point")),
                               plural(number_of(result, "files"), "name"));
        }
    });
    return is_whole ? ExitStatus::done : ExitStatus::partly;
}

void print_indexes(std::ostream& out, const Json& indexes) {
    Table table{{{"point"}, {"of"}, {"VM"}, {"names", Align::right}, {"made"}}};
    for (const Json& index : indexes) {
        const bool is_indexed = index.value("is_indexed", false);
        table.add_row({short_id(text_of(index.at("point"), "id")),
                       local_time_of(index.at("point"), "time"), text_of(index, "vm"),
                       is_indexed ? std::to_string(number_of(index, "files")) : "-",
                       local_time_of(index, "made")});
    }
    if (table.is_empty()) {
        out << "No points\n";
    } else {
        table.print(out);
    }
    for (const Json& index : indexes) {
        for (const Json& note : list_of(index, "notes")) {
            out << fmt::format("{}: not in it: {}\n", short_id(text_of(index.at("point"), "id")),
                               printable(note.get<std::string>()));
        }
    }
}

ExitStatus list_indexes(Context& context, const IndexesValues& values) {
    std::map<std::string, std::string> query;
    if (!values.vm.empty()) query["vm"] = values.vm;
    const Json indexes = context.get_all(api_path("files/indexes"), "indexes", query);
    context.show({{"indexes", indexes}}, [&](std::ostream& out) { print_indexes(out, indexes); });
    return ExitStatus::done;
}

void declare_search(CLI::App& command, SearchValues& values) {
    command
        .add_option("NAME", values.name,
                    "A part of the name, or with * and ? the whole; case does not matter")
        ->required();
    command.add_option("--vm", values.vm, "Only of this VM: name or GUID");
    command.add_option("--host", values.host, "Only of VMs of this host");
    command.add_option("--point", values.point, "Only in this point");
    command.add_option("--limit", values.count_max, "At most so many files (default: 1000)")
        ->check(CLI::Range(std::size_t{1}, kFoundMost));
}

}  // namespace

void add_files_search_commands(CLI::App& group, Action& chosen) {
    add_command<SearchValues>(group, chosen, "search", "Find files of guests by their name",
                              declare_search, search);
    add_command<IndexValues>(
        group, chosen, "index", "Make the files of points ready to be searched, or do it again",
        [](CLI::App& command, IndexValues& values) {
            command.add_option("POINT", values.points, "An id, a prefix of one, or VM@latest")
                ->required();
        },
        index_points);
    add_command<IndexesValues>(
        group, chosen, "indexes", "Show which points can be searched, and what is missing in them",
        [](CLI::App& command, IndexesValues& values) {
            command.add_option("VM", values.vm, "Only of this VM: name or GUID");
        },
        list_indexes);
}

}  // namespace entrepot::ctl
