// host doctor: every layer of a host, each with cause, evidence, cure and command.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"
#include "appliance/ctl/job_follower.h"

#include "base/table.h"

#include <fmt/format.h>

#include <filesystem>

namespace entrepot::ctl {
namespace {

struct DoctorValues {
    std::string name;
    bool retries_login = false;
    std::filesystem::path record;
};

bool needs_words(const std::string& result) {
    return result == "failed" || result == "warning" || result == "unproven";
}

void print_check(std::ostream& out, const Json& check) {
    const std::string result = text_of(check, "result");
    out << printable(fmt::format("{:<8} {:<9} {}", text_of(check, "layer"), result,
                                 text_of(check, "cause")))
        << "\n";
    const std::string evidence = text_of(check, "evidence");
    if (!evidence.empty()) out << printable(fmt::format("{:18} {}", "", evidence)) << "\n";
    if (!needs_words(result)) return;
    out << printable(fmt::format("{:18} ({}) {}", "", text_of(check, "id"), text_of(check, "cure")))
        << "\n";
    const std::string command = text_of(check, "command");
    // In a line of its own, so that it can be marked and copied.
    if (!command.empty()) out << printable(command) << "\n";
}

void print_report(std::ostream& out, const Json& report) {
    for (const Json& check : list_of(report, "checks"))
        print_check(out, check);
    const auto failed = number_of(report, "failed");
    const auto warnings = number_of(report, "warnings");
    const auto unproven = number_of(report, "unproven");
    out << (failed == 0 ? "Nothing failed" : fmt::format("{} failed", failed))
        << fmt::format(", {}, {} unproven\n", plural(warnings, "warning"), unproven);
}

ExitStatus examine(Context& context, const DoctorValues& values) {
    Json body{{"retry_login", values.retries_login}};
    if (!values.record.empty()) body["record"] = std::filesystem::absolute(values.record).string();
    const JobResult result = run_job(context, api_path("hosts", values.name, "doctor"), body);
    context.show(result.result, [&](std::ostream& out) { print_report(out, result.result); });
    return number_of(result.result, "failed") == 0 ? ExitStatus::done : ExitStatus::failed;
}

}  // namespace

void add_doctor_command(CLI::App& hosts, Action& chosen) {
    add_command<DoctorValues>(
        hosts, chosen, "doctor",
        "Look at every layer of a host, from its name to the share, and say what is wrong and what "
        "to do. Changes nothing on the host; logs in once, at most twice",
        [](CLI::App& command, DoctorValues& values) {
            command.add_option("NAME", values.name, "The host's name")->required();
            command.add_flag("--retry-login", values.retries_login,
                             "Log in although the host has refused the account twice");
            command
                .add_option("--record", values.record,
                            "Write what was asked and answered there, without secrets and names, "
                            "for a report; names of VMs stay")
                ->type_name("DIR");
        },
        examine);
}

}  // namespace entrepot::ctl
