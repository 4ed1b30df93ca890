// See fix_step.h.
#include "appliance/restore/fix_step.h"

#include "appliance/backup/exported_disk.h"
#include "appliance/backup/host_calls.h"
#include "appliance/restore/host_path.h"

#include "base/error.h"

#include <fmt/format.h>

#include <utility>

namespace entrepot::restore {
namespace {

using backup::equal_names;
using hyperv::NetworkAdapter;

constexpr const char* kImageClass = "Msvm_StorageAllocationSettingData";
constexpr const char* kDriveClass = "Msvm_ResourceAllocationSettingData";
constexpr const char* kConnectionClass = "Msvm_EthernetPortAllocationSettingData";
constexpr std::string_view kNoteBeginning = "Entrepot restore ";

// What a lost answer hid may have been done.
void remove_parts(RestoreRun& run, const std::vector<hyperv::SettingRef>& parts) {
    bool is_first = true;
    insist(run, [&] {
        const bool is_again = !std::exchange(is_first, false);
        try {
            run.importer().remove_settings(parts);
        } catch (const Error& error) {
            if (!is_again || error.code() != ErrorCode::not_found) throw;
        }
    });
}

}  // namespace

void FixStep::run() {
    run_.job().enter_stage("fix");
    if (run_.journal().has(key::kFixed)) return;
    // The name and the tag first: from then on the planned VM says whose it is.
    name(read_planned());
    const hyperv::PlannedVm planned = read_planned();
    place_disks(planned);
    remove_media(planned);
    set_network(planned);
    check();
    run_.journal().put(key::kFixed, network_);
}

hyperv::PlannedVm FixStep::read_planned() {
    const std::string id = run_.journal().find(key::kPlanned)->at("id");
    auto planned =
        backup::read_patiently(run_, [&] { return run_.importer().find_planned_vm(id); });
    if (planned && !planned->settings_id.empty()) return *std::move(planned);
    throw Error{ErrorCode::host_failure,
                fmt::format("planned VM {} is gone from host {}, or shows no settings", id,
                            run_.plan().host_name),
                "Somebody removed it, or the host's service vmms was restarted. Restore again."};
}

void FixStep::name(const hyperv::PlannedVm& planned) {
    const RestorePlan& plan = run_.plan();
    hyperv::PlannedChange change;
    change.settings_id = planned.settings_id;
    change.name = plan.name;
    change.data_root = plan.target.host_path;
    for (const std::string& note : planned.notes) {
        if (!note.starts_with(kNoteBeginning)) change.notes.push_back(note);
    }
    change.notes.push_back(fmt::format("{}: point {} of {} from {}", run_.tag(), plan.request.point,
                                       plan.vm_name, plan.point_time));
    insist(run_, [&] { run_.importer().change_planned_vm(change); });
}

void FixStep::place_disks(const hyperv::PlannedVm& planned) {
    const RestorePlan& plan = run_.plan();
    const DiskMatch match = match_disks(plan.layout, plan.target, planned.disks);
    for (const hyperv::Disk* disk : match.left_out) {
        const bool has_image = disk->drive_id != disk->instance_id;
        std::vector<hyperv::SettingRef> parts;
        if (has_image) parts.push_back({kImageClass, disk->instance_id});
        if (!disk->drive_id.empty()) parts.push_back({kDriveClass, disk->drive_id});
        run_.warn(
            fmt::format("the VM had a disk {} that is not in the point: it comes back "
                        "without it",
                        disk->path.empty() ? disk->slot_id : disk->path));
        for (const hyperv::SettingRef& part : parts)
            remove_parts(run_, {part});
    }
    for (std::size_t i = 0; i < match.disks.size(); ++i) {
        const std::string path =
            join_host_path(plan.target.host_path, {kDiskFolder, plan.layout.disks[i].file_name});
        insist(run_, [&] { run_.importer().set_disk_path(match.disks[i]->instance_id, path); });
    }
}

// An image of the old host's, or of a file server that this one may not see.
void FixStep::remove_media(const hyperv::PlannedVm& planned) {
    for (const hyperv::InsertedMedium& medium : planned.hardware.media) {
        run_.note(fmt::format("ejecting {}", medium.path));
        remove_parts(run_, {{kImageClass, medium.instance_id}});
    }
}

// After a crash the planned VM names the switches that we chose; what it named before decides.
Json FixStep::read_networks(const hyperv::PlannedVm& planned) {
    if (auto known = run_.journal().find(key::kNetworks)) return *std::move(known);
    Json networks = Json::object();
    for (const NetworkAdapter& adapter : planned.hardware.adapters)
        networks[adapter.instance_id] = adapter.switch_name;
    run_.journal().put(key::kNetworks, networks);
    return networks;
}

void FixStep::set_network(const hyperv::PlannedVm& planned) {
    const Json networks = read_networks(planned);
    const auto switches =
        backup::read_patiently(run_, [&] { return run_.importer().list_switches(); });
    for (const NetworkAdapter& adapter : planned.hardware.adapters)
        set_adapter(adapter, networks.value(adapter.instance_id, std::string{}), switches);
}

void FixStep::set_adapter(const NetworkAdapter& adapter, const std::string& was_on,
                          const std::vector<hyperv::VirtualSwitch>& switches) {
    const RestoreRequest& request = run_.plan().request;
    NetworkChoice choice = choose_network(request, was_on, switches);
    if (choice.network && adapter.connection_id.empty()) {
        choice = {std::nullopt, "its configuration has no connection to put on a switch"};
    }
    if (!choice.problem.empty()) {
        run_.warn(fmt::format("adapter '{}' stays disconnected: {}", adapter.name, choice.problem));
    }
    if (choice.network) {
        insist(run_, [&] { run_.importer().connect_adapter(adapter, choice.network->id); });
    } else if (!adapter.connection_id.empty()) {
        insist(run_, [&] { run_.importer().disconnect_adapter(adapter); });
    }
    const bool keeps_mac = keeps_addresses(request);
    if (!keeps_mac) insist(run_, [&] { run_.importer().let_host_choose_mac(adapter); });
    is_connected_[adapter.instance_id] = choice.network.has_value();
    network_.push_back({{"adapter", adapter.name},
                        {"was_on", was_on},
                        {"switch", choice.network ? Json(choice.network->name) : Json{}},
                        {"mac", keeps_mac ? Json(adapter.mac_address) : Json{}}});
}

void FixStep::check() {
    const RestorePlan& plan = run_.plan();
    const hyperv::PlannedVm planned = read_planned();
    const auto complain = [&](const std::string& what) {
        throw Error{ErrorCode::host_failure,
                    fmt::format("host {} said that it changed the planned VM, but {}",
                                plan.host_name, what),
                    "Restore again; if it stays so, send a recording of the host's answers."};
    };
    if (planned.name != plan.name) complain(fmt::format("its name is '{}'", planned.name));
    const DiskMatch match = match_disks(plan.layout, plan.target, planned.disks);
    if (!match.left_out.empty()) complain("disks that were removed are still there");
    for (std::size_t i = 0; i < match.disks.size(); ++i) {
        const std::string path =
            join_host_path(plan.target.host_path, {kDiskFolder, plan.layout.disks[i].file_name});
        if (!equal_names(match.disks[i]->path, path)) {
            complain(fmt::format("disk {} is at {}", i, match.disks[i]->path));
        }
    }
    for (const NetworkAdapter& adapter : planned.hardware.adapters) {
        if (adapter.is_connected == is_connected_[adapter.instance_id]) continue;
        complain(fmt::format("adapter '{}' is {}connected", adapter.name,
                             adapter.is_connected ? "" : "not "));
    }
}

void remove_connection(RestoreRun& run, const std::string& connection_id) {
    remove_parts(run, {{kConnectionClass, connection_id}});
}

}  // namespace entrepot::restore
