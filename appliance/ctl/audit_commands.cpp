// audit list, export, verify.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"

#include "base/atomic_file.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/table.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::ctl {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kEntriesDefault = 50;
constexpr std::uint32_t kEntriesMax = 1000;

struct AuditValues {
    std::string user;
    std::string action;
    std::string since;
    std::string until;
    std::uint32_t limit = kEntriesDefault;
    std::optional<std::filesystem::path> target;
    std::string known_digest;
};

std::string detail_text(const Json& entry) {
    std::string text = text_of(entry, "object");
    const auto details = entry.find("details");
    if (details == entry.end() || !details->is_object()) return text;
    for (const auto& [name, value] : details->items()) {
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", name,
                            value.is_string() ? value.get<std::string>() : dump_json(value));
    }
    return text;
}

// "2027-01-31" is a day in UTC: `day_part` later than its begin.
std::string parse_moment(const std::string& text, std::chrono::hours day_part) {
    if (parse_time(text)) return text;
    if (const auto day = parse_time(text + "T00:00:00Z")) return format_time(*day + day_part);
    throw Error{ErrorCode::usage, fmt::format("\"{}\" is no date", text),
                "write 2027-01-31, or 2027-01-31T18:00:00Z"};
}

void add_span(std::map<std::string, std::string>& query, const AuditValues& values) {
    if (!values.since.empty()) query["since"] = parse_moment(values.since, 0h);
    if (!values.until.empty()) query["until"] = parse_moment(values.until, 24h);
}

ExitStatus list_entries(Context& context, const AuditValues& values) {
    std::map<std::string, std::string> query{{"limit", std::to_string(values.limit)}};
    if (!values.user.empty()) query["user"] = values.user;
    if (!values.action.empty()) query["action"] = values.action;
    add_span(query, values);
    const Json page = context.get(api_path("audit"), query);
    context.show({{"entries", list_of(page, "entries")}}, [&](std::ostream& out) {
        Table table{
            {{"NO", Align::right}, {"TIME"}, {"USER"}, {"FROM"}, {"ACTION"}, {"RESULT"}, {"WHAT"}}};
        for (const Json& entry : list_of(page, "entries")) {
            const std::string address = text_of(entry, "address");
            table.add_row({std::to_string(number_of(entry, "number")), local_time_of(entry, "time"),
                           text_of(entry, "user"),
                           address.empty() ? text_of(entry, "via") : address,
                           text_of(entry, "action"), text_of(entry, "result"), detail_text(entry)});
        }
        if (table.is_empty()) {
            out << "No entry matches\n";
        } else {
            table.print(out);
        }
    });
    return ExitStatus::done;
}

ExitStatus export_entries(Context& context, const AuditValues& values) {
    std::map<std::string, std::string> query{{"limit", std::to_string(kEntriesMax)}};
    add_span(query, values);
    const Json entries = context.get_all(api_path("audit"), "entries", query);
    std::string text;
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
        text += dump_json(*entry) + "\n";
    if (!values.target) {
        context.out() << text << std::flush;
        return ExitStatus::done;
    }
    write_file_atomically(context.world().file_system, *values.target, as_bytes(text));
    context.show_done(fmt::format("{} were written to {}", plural(entries.size(), "line"),
                                  values.target->string()),
                      {{"entries", entries.size()}});
    return ExitStatus::done;
}

ExitStatus verify_log(Context& context, const AuditValues& values) {
    const Json check =
        context.post(api_path("audit", "verify"), {{"known_digest", values.known_digest}});
    const bool is_sound = check.value("is_sound", false);
    context.show(check, [&](std::ostream& out) {
        if (is_sound) {
            out << "All " << number_of(check, "entries") << " entries are what was written\n"
                << "Digest of the last one, to keep elsewhere: " << text_of(check, "digest")
                << "\n";
        } else {
            out << "The audit log was tampered with: " << text_of(check, "reason") << "\n";
        }
    });
    return is_sound ? ExitStatus::done : ExitStatus::damaged;
}

void declare_span(CLI::App& command, AuditValues& values) {
    command
        .add_option("--since", values.since,
                    "Only what was done then or later: 2027-01-31, or a time of RFC 3339")
        ->type_name("TIME");
    command
        .add_option("--until", values.until,
                    "Only what was done before that time, or on that day and before")
        ->type_name("TIME");
}

void declare_list(CLI::App& command, AuditValues& values) {
    command.add_option("--user", values.user, "Only what this user did");
    command.add_option("--action", values.action, "Only this action, for example deletePoint");
    declare_span(command, values);
    command.add_option("--limit", values.limit, "How many entries, newest first (default 50)")
        ->type_name("N")
        ->check(CLI::Range(1U, kEntriesMax));
}

}  // namespace

void add_audit_commands(CommandSet set) {
    CLI::App* group = add_group(set.app, "audit", "Who did what");
    add_command<AuditValues>(*group, set.chosen, "list", "Show the newest entries", declare_list,
                             list_entries);
    add_command<AuditValues>(
        *group, set.chosen, "export", "Write all entries, oldest first, one JSON object a line",
        [](CLI::App& command, AuditValues& values) {
            declare_span(command, values);
            command.add_option("--to", values.target, "The file (default standard output)")
                ->type_name("FILE");
        },
        export_entries);
    add_command<AuditValues>(
        *group, set.chosen, "verify",
        "Find entries that were removed, changed or moved; exit status 4 if there are",
        [](CLI::App& command, AuditValues& values) {
            command
                .add_option("--known-digest", values.known_digest,
                            "A digest that was kept: it must still be in the log")
                ->type_name("HEX");
        },
        verify_log);
}

}  // namespace entrepot::ctl
