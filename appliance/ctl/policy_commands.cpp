// policy add, list, show, remove, run.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"
#include "appliance/ctl/job_follower.h"
#include "appliance/ctl/keep_options.h"
#include "appliance/policy/policy.h"

#include "base/error.h"
#include "base/table.h"

#include <fmt/format.h>

#include <optional>

namespace entrepot::ctl {
namespace {

struct PolicyValues {
    std::string name;
    std::vector<std::string> patterns;
    std::string calendar;
    std::string consistency;
    std::optional<std::uint32_t> full_every;
    KeepValues keep;
    std::string new_name;
};

std::string join_texts(const Json& texts) {
    std::string line;
    for (const Json& text : texts)
        line += (line.empty() ? "" : " ") + text.get<std::string>();
    return line;
}

std::string keep_text(const Json& policy) {
    std::string text;
    const auto rule = policy.find("retention");
    if (rule == policy.end()) return text;
    for (const std::string slot : {"last", "hourly", "daily", "weekly", "monthly", "yearly"}) {
        const std::uint64_t count = number_of(*rule, "keep_" + slot);
        if (count == 0) continue;
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", slot, count);
    }
    return text;
}

std::string full_text(const Json& policy) {
    const std::uint64_t every = number_of(policy, "full_every");
    if (every == 0) return "only where it must be";
    return every == 1 ? "every time" : fmt::format("every {} backups of a VM", every);
}

std::string next_run_text(const Json& policy) {
    const Json& runs = list_of(policy, "next_runs");
    return runs.empty() ? "never" : local_time_of({{"time", runs.at(0)}}, "time");
}

void print_policy(std::ostream& out, const Json& policy) {
    out << "Policy        " << printable(text_of(policy, "name")) << "\n"
        << "VMs           " << printable(join_texts(list_of(policy, "vms"))) << " ("
        << number_of(policy, "matching_vms") << " known now)\n"
        << "Calendar      " << printable(text_of(policy, "calendar")) << "\n"
        << "Consistency   " << text_of(policy, "consistency") << "\n"
        << "Keeps         " << keep_text(policy) << "\n"
        << "Full          " << full_text(policy) << "\n"
        << "Next runs    ";
    for (const Json& run : list_of(policy, "next_runs"))
        out << " " << local_time_of({{"time", run}}, "time") << ";";
    out << "\n";
}

ExitStatus add_policy(Context& context, const PolicyValues& values) {
    const Json rule = keep_rule(values.keep);
    if (rule.empty()) {
        throw Error{ErrorCode::usage, "a policy without a rule would keep nothing",
                    "say what to keep, for example --keep-last 7 --keep-daily 30"};
    }
    const Json policy =
        context.post(api_path("policies"), {{"name", values.name},
                                            {"vms", values.patterns},
                                            {"calendar", values.calendar},
                                            {"consistency", values.consistency},
                                            {"full_every", values.full_every.value_or(0)},
                                            {"retention", rule}});
    context.show_done(
        fmt::format("Policy {} was added; next run {}", values.name, next_run_text(policy)),
        policy);
    return ExitStatus::done;
}

/// What is not named stays; of the numbers to keep all are said anew, or none.
ExitStatus change_policy(Context& context, const PolicyValues& values) {
    const Json before = context.get(api_path("policies", values.name));
    Json body{{"name", values.new_name.empty() ? text_of(before, "name") : values.new_name}};
    for (const char* name : {"vms", "calendar", "consistency", "full_every", "retention"})
        body[name] = before.at(name);
    if (!values.patterns.empty()) body["vms"] = values.patterns;
    if (!values.calendar.empty()) body["calendar"] = values.calendar;
    if (!values.consistency.empty()) body["consistency"] = values.consistency;
    if (values.full_every) body["full_every"] = *values.full_every;
    const Json rule = keep_rule(values.keep);
    if (!rule.empty()) body["retention"] = rule;
    const Json policy = context.put(api_path("policies", values.name), body);
    context.show_done(fmt::format("Policy {} was changed; next run {}", text_of(policy, "name"),
                                  next_run_text(policy)),
                      policy);
    return ExitStatus::done;
}

ExitStatus list_policies(Context& context, const PolicyValues&) {
    const Json policies = context.get_all(api_path("policies"), "policies");
    context.show({{"policies", policies}}, [&](std::ostream& out) {
        Table table{{{"POLICY"}, {"VMS"}, {"CALENDAR"}, {"KEEPS"}, {"NEXT RUN"}}};
        for (const Json& policy : policies) {
            table.add_row({text_of(policy, "name"), join_texts(list_of(policy, "vms")),
                           text_of(policy, "calendar"), keep_text(policy), next_run_text(policy)});
        }
        table.print(out);
    });
    return ExitStatus::done;
}

ExitStatus show_policy(Context& context, const PolicyValues& values) {
    const Json policy = context.get(api_path("policies", values.name));
    context.show(policy, [&](std::ostream& out) { print_policy(out, policy); });
    return ExitStatus::done;
}

ExitStatus remove_policy(Context& context, const PolicyValues& values) {
    context.remove(api_path("policies", values.name));
    context.show_done(fmt::format("Policy {} was removed; its points stay", values.name));
    return ExitStatus::done;
}

ExitStatus run_policy(Context& context, const PolicyValues& values) {
    const Json answer = context.post(api_path("policies", values.name, "run"));
    Json jobs = Json::array();
    std::size_t failed = 0;
    for (const Json& job : follow_jobs(context, list_of(answer, "jobs"))) {
        if (text_of(job, "state") != "done") ++failed;
        jobs.push_back(job);
    }
    context.show({{"jobs", jobs}}, [&](std::ostream& out) {
        for (const Json& job : jobs)
            out << printable(text_of(job, "subject") + ": " + text_of(job, "state")) << "\n";
        if (jobs.empty()) out << "No VM matches the policy\n";
    });
    if (failed == 0) return ExitStatus::done;
    return failed == jobs.size() ? ExitStatus::failed : ExitStatus::partly;
}

enum class Change { no, yes };

/// A new policy needs its VMs and its calendar; of one that is changed they may stay.
void declare_parts(CLI::App& command, PolicyValues& values, Change change) {
    const bool is_new = change == Change::no;
    command
        .add_option("--vms", values.patterns,
                    "Which VMs: 'web*', 'hv01/web*', a GUID; '!' before one takes it out again")
        ->required(is_new)
        ->type_name("PATTERN")
        ->expected(1, 100);
    command
        .add_option("--calendar", values.calendar,
                    "When, in systemd's calendar syntax: '*-*-* 01:30', 'Mon..Fri 18:00', hourly")
        ->required(is_new)
        ->type_name("EXPR");
    auto* consistency = command
                            .add_option("--consistency", values.consistency,
                                        "application, crash or prefer-application (default)")
                            ->check(CLI::IsMember({"application", "crash", "prefer-application"}));
    if (is_new) consistency->default_val("prefer-application");
    command
        .add_option("--full-every", values.full_every,
                    "Every N backups of a VM a full one, which is compared with what the host's "
                    "change tracking said (default: never)")
        ->type_name("N")
        ->check(CLI::Range(0U, policy::kFullEveryMax));
    declare_keep(command, values.keep);
}

void declare_policy(CLI::App& command, PolicyValues& values) {
    command.add_option("NAME", values.name, "What you call it")->required();
    declare_parts(command, values, Change::no);
}

void declare_policy_change(CLI::App& command, PolicyValues& values) {
    command.add_option("NAME", values.name, "Its name")->required();
    command.add_option("--rename", values.new_name, "What you call it from now on")
        ->type_name("NAME");
    declare_parts(command, values, Change::yes);
}

void declare_policy_name(CLI::App& command, PolicyValues& values) {
    command.add_option("NAME", values.name, "Its name")->required();
}

}  // namespace

void add_policy_commands(CommandSet set) {
    CLI::App* group = add_group(set.app, "policy", "What is protected, when, and how long");
    add_command<PolicyValues>(*group, set.chosen, "add", "Add a policy", declare_policy,
                              add_policy);
    add_command<PolicyValues>(
        *group, set.chosen, "change",
        "Change a policy; what is not named stays, of the numbers to keep all "
        "are said anew",
        declare_policy_change, change_policy);
    add_command<PolicyValues>(
        *group, set.chosen, "list", "Show the policies", [](CLI::App&, PolicyValues&) {},
        list_policies);
    add_command<PolicyValues>(*group, set.chosen, "show", "Show one policy and its next runs",
                              declare_policy_name, show_policy);
    add_command<PolicyValues>(*group, set.chosen, "remove", "Remove a policy; its points stay",
                              declare_policy_name, remove_policy);
    add_command<PolicyValues>(*group, set.chosen, "run", "Run a policy now", declare_policy_name,
                              run_policy);
}

}  // namespace entrepot::ctl
