// vm list, exclude, include.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"

#include "appliance/api/problem.h"

#include "base/error.h"
#include "base/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace entrepot::ctl {
namespace {

struct VmValues {
    std::string host;
    std::string vm;
    std::string disk;
    std::string reason;
};

struct Inventory {
    Json vms = Json::array();
    Json failed = Json::array();
};

// The API lists them by their ids.
std::vector<Json> list_by_name(const Json& vms) {
    std::vector<Json> sorted(vms.begin(), vms.end());
    std::ranges::stable_sort(sorted, {}, [](const Json& vm) { return text_of(vm, "name"); });
    return sorted;
}

Inventory ask_hosts(Context& context, const std::string& wanted) {
    Inventory inventory;
    Json hosts = Json::array();
    if (wanted.empty()) {
        hosts = context.get_all(api_path("hosts"), "hosts");
    } else {
        hosts.push_back(context.get(api_path("hosts", wanted)));
    }
    if (hosts.empty()) {
        throw Error{ErrorCode::not_found, "no host is known", "entrepot host add makes one known"};
    }
    for (const Json& host : hosts) {
        const std::string name = text_of(host, "name");
        try {
            for (Json& vm : list_by_name(context.get_all(api_path("hosts", name, "vms"), "vms")))
                inventory.vms.push_back(std::move(vm));
        } catch (const Error& error) {
            if (hosts.size() == 1) throw;
            inventory.failed.push_back({{"host", name}, {"error", api::error_json(error)}});
        }
    }
    return inventory;
}

std::string checkpoint_text(const Json& vm) {
    std::size_t users = 0;
    for (const Json& checkpoint : list_of(vm, "checkpoints")) {
        if (text_of(checkpoint, "kind") == "user") ++users;
    }
    return users == 0 ? "-" : std::to_string(users);
}

void print_vms(std::ostream& out, const Inventory& inventory) {
    Table table{{{"VM"},
                 {"HOST"},
                 {"STATE"},
                 {"GEN", Align::right},
                 {"DISKS", Align::right},
                 {"SIZE", Align::right},
                 {"CHECKPOINTS", Align::right}}};
    for (const Json& vm : inventory.vms) {
        std::uint64_t size_bytes = 0;
        for (const Json& disk : list_of(vm, "disks"))
            size_bytes += number_of(disk, "size_bytes");
        table.add_row({text_of(vm, "name"), text_of(vm, "host"), text_of(vm, "state"),
                       std::to_string(number_of(vm, "generation")),
                       std::to_string(list_of(vm, "disks").size()),
                       size_bytes == 0 ? "-" : format_size(size_bytes), checkpoint_text(vm)});
    }
    table.print(out);
    for (const Json& vm : inventory.vms) {
        for (const Json& problem : list_of(vm, "problems")) {
            out << printable(text_of(vm, "name") + ": " + problem.get<std::string>()) << "\n";
        }
        for (const Json& disk : list_of(vm, "disks")) {
            const std::string reason = text_of(disk, "excluded");
            if (reason.empty()) continue;
            out << printable(fmt::format("{}: disk {} is excluded: {}", text_of(vm, "name"),
                                         number_of(disk, "index"), reason))
                << "\n";
        }
    }
}

ExitStatus list_vms(Context& context, const VmValues& values) {
    const Inventory inventory = ask_hosts(context, values.host);
    const Json document{{"vms", inventory.vms}, {"failed", inventory.failed}};
    context.show(document, [&](std::ostream& out) { print_vms(out, inventory); });
    for (const Json& failure : inventory.failed) {
        if (context.options().is_json) break;
        context.terminal().err() << printable(fmt::format("host {}: {}", text_of(failure, "host"),
                                                          text_of(failure.at("error"), "message")))
                                 << "\n";
    }
    if (inventory.failed.empty()) return ExitStatus::done;
    return inventory.vms.empty() ? ExitStatus::failed : ExitStatus::partly;
}

ExitStatus exclude_disk(Context& context, const VmValues& values) {
    const Json exclusion =
        context.post(api_path("vms", "exclusions"),
                     {{"vm", values.vm}, {"disk", values.disk}, {"reason", values.reason}});
    context.show_done(
        fmt::format("Disk {} of {} is left out of backups from now on", values.disk, values.vm),
        exclusion);
    return ExitStatus::done;
}

ExitStatus include_disk(Context& context, const VmValues& values) {
    context.remove(api_path("vms", "exclusions"), {{"vm", values.vm}, {"disk", values.disk}});
    context.show_done(fmt::format("Disk {} of {} is backed up again", values.disk, values.vm));
    return ExitStatus::done;
}

void declare_disk(CLI::App& command, VmValues& values) {
    command.add_option("VM", values.vm, "Name or GUID")->required();
    command.add_option("DISK", values.disk, "Number from 0, or a disk id")->required();
}

}  // namespace

void add_vm_commands(CommandSet set) {
    CLI::App* group = add_group(set.app, "vm", "Virtual machines on the hosts");
    add_command<VmValues>(
        *group, set.chosen, "list",
        "Ask the hosts: state, disks, checkpoints, why a disk cannot be backed up",
        [](CLI::App& command, VmValues& values) {
            command.add_option("--host", values.host, "Only this host");
        },
        list_vms);
    add_vm_show_command(*group, set.chosen);
    add_command<VmValues>(
        *group, set.chosen, "exclude", "Leave a disk out of backups",
        [](CLI::App& command, VmValues& values) {
            declare_disk(command, values);
            command.add_option("--reason", values.reason, "Shown with every point")->required();
        },
        exclude_disk);
    add_command<VmValues>(*group, set.chosen, "include", "Take a disk into backups again",
                          declare_disk, include_disk);
}

}  // namespace entrepot::ctl
