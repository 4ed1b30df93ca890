// restore vm: a whole machine back onto a host, and what that would meet.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"
#include "appliance/ctl/job_follower.h"
#include "appliance/ctl/preflight.h"

#include "base/error.h"
#include "base/table.h"

#include <fmt/format.h>

namespace entrepot::ctl {
namespace {

struct RestoreVmValues {
    std::string point;
    std::string host;
    std::string to;
    std::string name;
    bool keeps_id = false;
    bool starts = false;
    bool connects = false;
    bool keeps_mac = false;
    std::vector<std::string> switches;
    bool is_preflight = false;
};

Json switch_changes(const std::vector<std::string>& texts) {
    Json changes = Json::array();
    for (const std::string& text : texts) {
        const std::size_t equals = text.find('=');
        const bool is_pair = equals != std::string::npos && equals > 0 && equals + 1 < text.size();
        if (!is_pair) {
            throw Error{ErrorCode::usage, fmt::format("\"{}\" is not OLD=NEW", text),
                        "Name the switch that the VM was on, and one that the host has: "
                        "--switch LAN=External. '*' is any old one."};
        }
        changes.push_back({{"from", text.substr(0, equals)}, {"to", text.substr(equals + 1)}});
    }
    return changes;
}

Json request_body(const RestoreVmValues& values) {
    Json body{{"point", values.point},
              {"host", values.host},
              {"to", values.to},
              {"keep_id", values.keeps_id},
              {"start", values.starts},
              {"connect", values.connects},
              {"keep_mac", values.keeps_mac},
              {"switches", switch_changes(values.switches)}};
    if (!values.name.empty()) body["name"] = values.name;
    return body;
}

void print_preflight(std::ostream& out, const Json& preflight) {
    out << printable(fmt::format(
               "'{}' on {}, {}, files at {}", text_of(preflight, "name"),
               text_of(preflight, "host"),
               preflight.value("keep_id", false) ? "with the original's id" : "with a new id",
               text_of(preflight.at("target"), "path")))
        << "\n";
    print_checks(out, preflight);
}

void print_network(std::ostream& out, const Json& adapter) {
    const std::string network = text_of(adapter, "switch");
    const std::string was_on = text_of(adapter, "was_on");
    out << printable(
               fmt::format("Network       {}: {}{}", text_of(adapter, "adapter"),
                           network.empty() ? std::string{"disconnected"} : "on '" + network + "'",
                           was_on.empty() || was_on == network ? "" : ", was on '" + was_on + "'"))
        << "\n";
}

void print_result(std::ostream& out, const Json& result) {
    const Json& vm = result.at("vm");
    out << printable(fmt::format("Restored '{}' on {}, {}", text_of(vm, "name"),
                                 text_of(result, "host"),
                                 result.value("started", false) ? "and started it" : "off"))
        << "\n"
        << "VM            " << printable(text_of(vm, "id"))
        << (result.value("kept_id", false) ? " (kept)" : " (new)") << "\n";
    for (const Json& disk : list_of(result, "disks")) {
        out << printable(
                   fmt::format("Disk {:<8} {}", number_of(disk, "index"), text_of(disk, "path")))
            << "\n";
    }
    for (const Json& adapter : list_of(result, "network"))
        print_network(out, adapter);
    const std::string next = text_of(result, "next");
    if (!next.empty()) out << printable(next) << "\n";
}

ExitStatus restore_vm(Context& context, const RestoreVmValues& values) {
    const Json body = request_body(values);
    if (values.is_preflight) {
        const Json preflight = context.post(api_path("restores", "vm", "preflight"), body);
        context.show(preflight, [&](std::ostream& out) { print_preflight(out, preflight); });
        return status_of_preflight(preflight);
    }
    const JobResult result = run_job(context, api_path("restores", "vm"), body);
    context.show(result.result, [&](std::ostream& out) { print_result(out, result.result); });
    return result.is_partly ? ExitStatus::partly : ExitStatus::done;
}

void declare(CLI::App& command, RestoreVmValues& values) {
    command.add_option("POINT", values.point, "An id, a unique prefix of one, or VM@latest")
        ->required();
    command.add_option("--host", values.host, "The host that gets the VM, as in host list")
        ->required()
        ->type_name("NAME");
    command
        .add_option("--to", values.to,
                    "A folder as the host reads it: the share's UNC path, from which the VM then "
                    "runs; or a path of the host, to which somebody copies the files when the job "
                    "says so")
        ->required()
        ->type_name("PATH_ON_HOST");
    command.add_option("--name", values.name,
                       "The VM's new name (default: its own; with the point's day for a copy)");
    command.add_flag("--keep-id", values.keeps_id,
                     "With the original's id, where the original is gone; otherwise a copy");
    command.add_flag("--start", values.starts, "Start it; otherwise it stays off");
    command
        .add_option("--switch", values.switches,
                    "Adapters that were on switch OLD go onto the host's switch NEW; may be given "
                    "several times")
        ->type_name("OLD=NEW")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command.add_flag("--connect", values.connects,
                     "Adapters go onto the switches of the names that they were on; otherwise "
                     "they stay disconnected");
    command.add_flag("--keep-mac", values.keeps_mac,
                     "A copy keeps the original's MAC addresses; with --keep-id they always stay");
    command.add_flag("--preflight,--dry-run", values.is_preflight,
                     "Only say what the restore would meet; exit status 1 if it cannot start");
}

}  // namespace

void add_restore_vm_command(CLI::App& group, Action& chosen) {
    add_command<RestoreVmValues>(
        group, chosen, "vm", "Import a whole VM on a host: beside the original, or in its place",
        declare, restore_vm);
}

}  // namespace entrepot::ctl
