// vm show: one VM as its host describes it now.
#include "appliance/ctl/command.h"
#include "appliance/ctl/format.h"

#include "appliance/api/request.h"

#include "base/error.h"
#include "base/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

namespace entrepot::ctl {
namespace {

struct VmShowValues {
    std::string vm;
    std::string host;
};

bool equal_names(const std::string& left, const std::string& right) {
    return std::equal(
        left.begin(), left.end(), right.begin(), right.end(),
        [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

// The host that has it, as far as the appliance knows.
std::string find_host(Context& context, const std::string& wanted) {
    std::set<std::string> hosts;
    for (const Json& vm : context.get_all(api_path("vms"), "vms")) {
        const bool is_wanted =
            equal_names(text_of(vm, "name"), wanted) || equal_names(text_of(vm, "id"), wanted);
        if (is_wanted && !text_of(vm, "host").empty()) hosts.insert(text_of(vm, "host"));
    }
    if (hosts.empty()) {
        for (const Json& host : context.get_all(api_path("hosts"), "hosts"))
            hosts.insert(text_of(host, "name"));
    }
    if (hosts.size() == 1) return *hosts.begin();
    throw Error{hosts.empty() ? ErrorCode::not_found : ErrorCode::invalid,
                hosts.empty()
                    ? std::string{"no host is known"}
                    : fmt::format("which of {} hosts has \"{}\" is not said", hosts.size(), wanted),
                hosts.empty() ? "entrepot host add makes one known" : "name it with --host"};
}

std::string yes_or_no(const Json& object, const std::string& name) {
    return object.value(name, false) ? "yes" : "no";
}

std::string integration_text(const Json& vm) {
    std::string text;
    for (const Json& service : list_of(vm, "integration_services")) {
        const char* state = service.value("working", false)   ? "answers"
                            : service.value("enabled", false) ? "does not answer"
                                                              : "off";
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", text_of(service, "name"), state);
    }
    return text.empty() ? "not known" : text;
}

void print_facts(std::ostream& out, const Json& vm) {
    const auto line = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) out << fmt::format("{:<14}", name) << printable(value) << "\n";
    };
    line("VM", text_of(vm, "name"));
    line("Id", text_of(vm, "id"));
    line("Host", text_of(vm, "host"));
    line("Owner node", text_of(vm, "owner_node"));
    line("State", text_of(vm, "state"));
    line("Generation", std::to_string(number_of(vm, "generation")));
    line("Version", text_of(vm, "version"));
    line("TPM", yes_or_no(vm, "has_tpm"));
    line("Replication", text_of(vm, "replication"));
    line("Guest", integration_text(vm));
    line("Notes", text_of(vm, "notes"));
}

std::string why_left_out(const Json& disk) {
    const std::string cannot = text_of(disk, "cannot_back_up");
    if (!cannot.empty()) return cannot;
    const std::string excluded = text_of(disk, "excluded");
    return excluded.empty() ? "-" : "excluded: " + excluded;
}

void print_disks(std::ostream& out, const Json& vm) {
    Table table{{{"DISK", Align::right},
                 {"NAME"},
                 {"PLACE"},
                 {"FORMAT"},
                 {"SIZE", Align::right},
                 {"ID"},
                 {"LEFT OUT"}}};
    for (const Json& disk : list_of(vm, "disks")) {
        const std::uint64_t size = number_of(disk, "size_bytes");
        table.add_row({std::to_string(number_of(disk, "index")), text_of(disk, "name"),
                       text_of(disk, "controller"), text_of(disk, "format"),
                       size == 0 ? "-" : format_size(size), text_of(disk, "id"),
                       why_left_out(disk)});
    }
    table.print(out);
}

void print_vm(std::ostream& out, const Json& vm) {
    print_facts(out, vm);
    print_disks(out, vm);
    if (!list_of(vm, "checkpoints").empty()) {
        Table table{{{"CHECKPOINT"}, {"KIND"}, {"CREATED"}}};
        for (const Json& one : list_of(vm, "checkpoints")) {
            const std::string kind = text_of(one, "kind");
            const bool is_foreign = kind == "recovery" && !one.value("is_ours", false);
            table.add_row({text_of(one, "name"), is_foreign ? "recovery, not ours" : kind,
                           local_time_of(one, "created")});
        }
        table.print(out);
    }
    out << plural(number_of(vm, "reference_points"), "reference point") << " on the host\n";
    for (const Json& problem : list_of(vm, "problems"))
        out << printable(problem.get<std::string>()) << "\n";
    for (const Json& one : list_of(vm, "residue"))
        out << printable("  " + text_of(one, "command")) << "\n";
}

ExitStatus show_vm(Context& context, const VmShowValues& values) {
    const std::string host = values.host.empty() ? find_host(context, values.vm) : values.host;
    const Json vm =
        context.get(api_path("hosts", host, "vms") + "/" + api::encode_percent(values.vm));
    context.show(vm, [&](std::ostream& out) { print_vm(out, vm); });
    return ExitStatus::done;
}

}  // namespace

void add_vm_show_command(CLI::App& group, Action& chosen) {
    add_command<VmShowValues>(
        group, chosen, "show",
        "Ask the host for one VM: disks with ids, sizes and formats, checkpoints, guest services, "
        "what backups left",
        [](CLI::App& command, VmShowValues& values) {
            command.add_option("VM", values.vm, "Name or GUID")->required();
            command.add_option("--host", values.host, "Where it is, if several hosts have it");
        },
        show_vm);
}

}  // namespace entrepot::ctl
