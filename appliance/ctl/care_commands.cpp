// verify, prune, gc: keeping a repository sound and small.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"
#include "appliance/ctl/job_follower.h"
#include "appliance/ctl/keep_options.h"

#include "base/error.h"
#include "base/table.h"

#include <fmt/format.h>

namespace entrepot::ctl {
namespace {

struct VerifyValues {
    std::vector<std::string> points;
    std::string depth;
    bool reads_data = false;
    bool is_resumed = false;
    std::uint64_t bytes_per_second = 0;
};

struct PruneValues {
    std::string vm;
    KeepValues keep;
    bool is_dry_run = false;
};

bool is_sound(const Json& result) {
    for (const Json& point : list_of(result, "points")) {
        if (text_of(point, "result") != "sound") return false;
    }
    return true;
}

void print_verdicts(std::ostream& out, const Json& result) {
    const Json& points = list_of(result, "points");
    std::size_t damaged = 0;
    for (const Json& point : points) {
        if (text_of(point, "result") == "sound") continue;
        ++damaged;
        out << "Point " << short_id(text_of(point, "id")) << " is damaged:\n";
        for (const Json& damage : list_of(point, "damage")) {
            out << printable(fmt::format("  disk {} from byte {}, {}: {}",
                                         number_of(damage, "disk"), number_of(damage, "offset"),
                                         size_of(damage, "length"), text_of(damage, "reason")))
                << "\n";
        }
    }
    out << fmt::format("{} verified, {}\n", plural(points.size(), "point"),
                       damaged == 0 ? "all sound" : fmt::format("{} damaged", damaged));
}

ExitStatus verify(Context& context, const VerifyValues& values) {
    const std::string depth = values.reads_data ? "data" : values.depth;
    const JobResult result = run_job(context, api_path("verifications"),
                                     {{"points", values.points},
                                      {"depth", depth},
                                      {"resume", values.is_resumed},
                                      {"bytes_per_second", values.bytes_per_second}});
    context.show(result.result, [&](std::ostream& out) { print_verdicts(out, result.result); });
    if (!is_sound(result.result)) return ExitStatus::damaged;
    return result.is_partly ? ExitStatus::partly : ExitStatus::done;
}

std::string join(const Json& texts) {
    std::string line;
    for (const Json& text : texts) {
        if (!text.is_string()) continue;
        if (!line.empty()) line += ", ";
        line += text.get<std::string>();
    }
    return line;
}

void print_pruned(std::ostream& out, const Json& result, bool is_dry_run) {
    Table table{{{"POINT"}, {"KEPT BECAUSE"}}};
    for (const Json& kept : list_of(result, "kept"))
        table.add_row({short_id(text_of(kept, "point")), join(list_of(kept, "because"))});
    if (!table.is_empty()) table.print(out);
    for (const Json& removed : list_of(result, "removed")) {
        const std::string id =
            removed.is_string() ? removed.get<std::string>() : text_of(removed, "point");
        out << short_id(id) << (is_dry_run ? "  would be removed\n" : "  removed\n");
    }
    out << fmt::format("{} kept, {} {}\n", plural(list_of(result, "kept").size(), "point"),
                       list_of(result, "removed").size(),
                       is_dry_run ? "would be removed" : "removed; entrepot gc frees their space");
}

ExitStatus prune(Context& context, const PruneValues& values) {
    const Json rule = keep_rule(values.keep);
    if (rule.empty()) {
        throw Error{ErrorCode::usage, "prune without a rule would keep nothing",
                    "say what to keep, for example --keep-last 7 --keep-daily 30"};
    }
    if (!values.is_dry_run) {
        context.confirm("Delete every point that the rule does not keep? (--dry-run shows them)",
                        Context::WithoutTerminal::go_on);
    }
    Json body{{"rule", rule}, {"dry_run", values.is_dry_run}};
    if (!values.vm.empty()) body["vm"] = values.vm;
    const JobResult result = run_job(context, api_path("prunes"), body);
    context.show(result.result,
                 [&](std::ostream& out) { print_pruned(out, result.result, values.is_dry_run); });
    return result.is_partly ? ExitStatus::partly : ExitStatus::done;
}

std::string fate_text(const std::string& fate) {
    if (fate == "removed") return "would be removed";
    return fate == "compacted" ? "would be compacted" : "would stay";
}

void print_outlook(std::ostream& out, const Json& result) {
    Table table{{{"PACK"}, {"SIZE", Align::right}, {"WASTE", Align::right}, {"WHAT"}, {"WHY"}}};
    for (const Json& pack : list_of(result, "packs")) {
        table.add_row({short_id(text_of(pack, "pack")), size_of(pack, "size_bytes"),
                       size_of(pack, "dead_bytes"), fate_text(text_of(pack, "fate")),
                       text_of(pack, "reason")});
    }
    if (!table.is_empty()) table.print(out);
    const std::uint64_t not_told = number_of(result, "packs_not_told");
    if (not_told > 0) out << "and " << plural(not_told, "pack") << " with less waste\n";
    out << size_of(result, "freed_bytes") << " would be freed, " << size_of(result, "waste_bytes")
        << " of waste would stay\n";
}

ExitStatus collect_garbage(Context& context, const PruneValues& values) {
    const JobResult result = run_job(context, api_path("gc"), {{"dry_run", values.is_dry_run}});
    if (values.is_dry_run) {
        context.show(result.result, [&](std::ostream& out) { print_outlook(out, result.result); });
    } else {
        context.show_done(fmt::format("{} freed", size_of(result.result, "freed_bytes")),
                          result.result);
    }
    return ExitStatus::done;
}

void declare_verify(CLI::App& command, VerifyValues& values) {
    auto* points = command.add_option("POINT", values.points, "Which points (default: all)");
    points->expected(0, 1000);
    auto* depth = command
                      .add_option("--depth", values.depth,
                                  "manifests: signatures and maps (default); packs: also the "
                                  "digests of what is stored; data: also every chunk, decoded")
                      ->default_val("manifests")
                      ->check(CLI::IsMember({"manifests", "packs", "data"}));
    command.add_flag("--read-data", values.reads_data, "The same as --depth data")->excludes(depth);
    command
        .add_flag("--resume", values.is_resumed,
                  "Go on with the newest verification of this depth that was cut off within a "
                  "week: the same points, and what it found sound is not read again")
        ->excludes(points);
    command
        .add_option("--rate", values.bytes_per_second,
                    "At most so many bytes a second, for example 50M; beside the bound of "
                    "repository.verify_mib_per_second")
        ->transform(CLI::AsSizeValue(false))
        ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1'000'000'000'000}));
}

void declare_dry_run(CLI::App& command, PruneValues& values) {
    command.add_flag("--dry-run", values.is_dry_run, "Only show what would be done");
}

}  // namespace

void add_care_commands(CommandSet set) {
    add_command<VerifyValues>(set.app, set.chosen, "verify",
                              "Check that points are what they were; exit status 4: damage found",
                              declare_verify, verify);
    add_command<PruneValues>(
        set.app, set.chosen, "prune", "Delete the points that a rule does not keep",
        [](CLI::App& command, PruneValues& values) {
            command.add_option("VM", values.vm, "Only this VM's points: name or GUID");
            declare_keep(command, values.keep);
            declare_dry_run(command, values);
        },
        prune);
    add_command<PruneValues>(set.app, set.chosen, "gc",
                             "Give back the space of what no point reaches", declare_dry_run,
                             collect_garbage);
}

}  // namespace entrepot::ctl
