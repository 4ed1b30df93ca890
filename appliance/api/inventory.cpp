// From the host's objects to what people and the database see.
#include "appliance/api/inventory.h"

#include "appliance/api/encode.h"
#include "appliance/api/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>

namespace entrepot::api {
namespace {

constexpr std::string_view kOurNamePrefix = "entrepot";

std::string file_name_of(const std::string& path) {
    const std::size_t separator = path.find_last_of("\\/");
    return separator == std::string::npos ? path : path.substr(separator + 1);
}

Json encode_disk(const hyperv::Disk& disk, std::size_t index) {
    const std::string id = disk.virtual_disk_id ? disk.virtual_disk_id->to_string() : disk.slot_id;
    return Json{{"id", id},
                {"slot", disk.slot_id},
                {"index", index},
                {"name", file_name_of(disk.path)},
                {"path", disk.path},
                {"controller",
                 fmt::format("{} {}:{}", disk.controller, disk.controller_number, disk.location)},
                {"format", disk.format},
                {"is_pass_through", disk.is_pass_through},
                {"is_shared", disk.is_shared},
                {"size_bytes", disk.size_bytes},
                {"cannot_back_up", disk.cannot_back_up}};
}

// Msvm_ComputerSystem.ReplicationMode
std::string_view replication_name(std::uint16_t mode) {
    switch (mode) {
        case 0:
            return "none";
        case 1:
            return "primary";
        case 2:
            return "replica";
        case 3:
            return "test replica";
        case 4:
            return "extended replica";
        default:
            return "other";
    }
}

Json encode_integration(const hyperv::Vm& vm) {
    Json services = Json::array();
    for (const auto& one : vm.integration_services) {
        services.push_back(
            {{"name", one.name}, {"enabled", one.is_enabled}, {"working", one.is_working}});
    }
    return services;
}

std::string in_upper_case(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

Json encode_disks(const hyperv::Vm& vm) {
    Json disks = Json::array();
    for (const auto& disk : vm.disks)
        disks.push_back(encode_disk(disk, disks.size()));
    return disks;
}

bool is_our_name(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return name.starts_with(kOurNamePrefix);
}

Json encode_checkpoints(const hyperv::Vm& vm) {
    Json checkpoints = Json::array();
    for (const auto& snapshot : vm.snapshots) {
        checkpoints.push_back({{"id", snapshot.instance_id},
                               {"name", snapshot.name},
                               {"created", text_or_null(snapshot.created)},
                               {"kind", snapshot.is_recovery ? "recovery" : "user"},
                               {"is_ours", snapshot.is_recovery && is_our_name(snapshot.name)}});
    }
    return checkpoints;
}

std::string contact_key(const std::string& host_id) {
    return "contact:" + host_id;
}

// Narrowed to one host, if one is named.
std::vector<state::VmRecord> list_matches(Services& services, const std::string& text,
                                          const std::optional<state::HostRecord>& host) {
    auto matches = services.state.vms.find_by_text(text);
    if (host) {
        std::erase_if(matches, [&](const auto& vm) { return vm.host_id != host->id; });
    }
    return matches;
}

}  // namespace

void add_exclusions(Json& disks, const std::vector<state::Exclusion>& exclusions) {
    for (Json& disk : disks) {
        disk["excluded"] = "";
        for (const auto& exclusion : exclusions) {
            if (exclusion.disk == disk.value("slot", "")) disk["excluded"] = exclusion.reason;
        }
    }
}

void add_sizes(Json& disks, const repository::PointSummary& newest) {
    for (Json& disk : disks) {
        if (disk.value("size_bytes", std::uint64_t{0}) != 0) continue;
        for (const auto& known : newest.disks) {
            const bool is_same = known.draft.host_disk_id == disk.value("slot", "") &&
                                 known.draft.name == disk.value("name", "");
            if (is_same) disk["size_bytes"] = known.draft.size_bytes;
        }
    }
}

PointsByVm read_points_of_host(Services& services, const std::string& host_id) {
    PointsByVm points;
    try {
        for (const auto& [key, entry] : services.vm_points->read(services.repository())) {
            if (key.first == host_id) points[in_upper_case(key.second)] = entry;
        }
    } catch (const Error& error) {
        // What the host says is worth showing without the key, too.
        if (error.code() != ErrorCode::locked) throw;
    }
    return points;
}

Json encode_live_vm(const hyperv::Vm& vm, const state::HostRecord& host, const PointsByVm& points,
                    Services& services) {
    Json disks = encode_disks(vm);
    add_exclusions(disks, services.state.exclusions.list_of_vm(host.id, vm.id));
    Json problems = Json::array();
    for (const auto& disk : vm.disks) {
        if (disk.cannot_back_up.empty()) continue;
        problems.push_back(fmt::format("{} cannot be backed up: {}", file_name_of(disk.path),
                                       disk.cannot_back_up));
    }
    const auto own = points.find(in_upper_case(vm.id));
    if (own != points.end()) {
        add_sizes(disks, own->second->newest);
        if (own->second->disagreement) problems.push_back(*own->second->disagreement);
    }
    for (const auto& residue : services.state.residue.list_of_vm(host.id, vm.id))
        problems.push_back(residue.text);
    return Json{{"id", vm.id},
                {"name", vm.name},
                {"host", host.draft.name},
                {"owner_node", text_or_null(vm.owner_node)},
                {"state", vm.state},
                {"generation", vm.generation},
                {"version", vm.version},
                {"has_tpm", vm.has_tpm},
                {"replication", replication_name(vm.replication_mode)},
                {"notes", vm.notes},
                {"integration_services", encode_integration(vm)},
                {"disks", std::move(disks)},
                {"checkpoints", encode_checkpoints(vm)},
                {"reference_points", vm.reference_points.size()},
                {"problems", std::move(problems)}};
}

void remember_inventory(const HostInventory& inventory, const state::HostRecord& host,
                        state::State& state, Clock& clock) {
    std::vector<state::VmRecord> records;
    for (const auto& vm : inventory.vms) {
        records.push_back({host.id, vm.id, vm.name, vm.state, encode_disks(vm),
                           Json{{"generation", vm.generation}, {"version", vm.version}},
                           clock.wall_now()});
    }
    state.vms.replace_all(host.id, records);
}

Contact read_contact(Services& services, const std::string& host_id) {
    const auto value = services.state.settings.find(contact_key(host_id));
    if (!value || !value->is_object()) return {};
    return {value->value("time", Json()), value->value("error", Json())};
}

void remember_contact(state::State& state, Clock& clock, const std::string& host_id,
                      const Error* error) {
    const std::string key = contact_key(host_id);
    Json value = state.settings.find(key).value_or(Json{{"time", nullptr}, {"error", nullptr}});
    if (error == nullptr) {
        value = {{"time", format_time(clock.wall_now())}, {"error", nullptr}};
    } else {
        value["error"] = error_json(*error);
    }
    state.settings.put(key, value);
}

void refresh_hosts(Services& services, const std::string& host) {
    std::optional<Error> failure;
    bool has_answer = false;
    for (const auto& record : services.state.hosts.list()) {
        if (!host.empty() && record.draft.name != host && record.id != host) continue;
        try {
            services.read_inventory(record, {});
            has_answer = true;
        } catch (const Error& error) {
            services.log.warning("host does not answer",
                                 {{"host", record.draft.name}, {"error", error.what()}});
            failure = error;
        }
    }
    if (failure && !has_answer) throw *failure;
}

state::VmRecord find_vm(Services& services, const std::string& text, const std::string& host) {
    std::optional<state::HostRecord> record;
    if (!host.empty()) record = services.state.hosts.get(host);
    auto matches = list_matches(services, text, record);
    if (matches.empty()) {
        refresh_hosts(services, host);
        matches = list_matches(services, text, record);
    }
    if (matches.empty()) {
        throw Error{ErrorCode::not_found, fmt::format("no host has a VM \"{}\"", text),
                    "entrepot vm list shows what the hosts have"};
    }
    if (matches.size() > 1) {
        throw Error{ErrorCode::invalid,
                    fmt::format("\"{}\" is the name of {} VMs", text, matches.size()),
                    "give the VM's GUID, or --host"};
    }
    return matches.front();
}

}  // namespace entrepot::api
