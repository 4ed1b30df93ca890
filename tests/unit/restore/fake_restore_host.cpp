// The behaviour of fake_restore_host.h.
#include "tests/unit/restore/fake_restore_host.h"

#include "storage/disk/disk_image.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace entrepot::test {

using hyperv::Disk;
using hyperv::JobRef;
using hyperv::NetworkAdapter;
using hyperv::PlannedProblem;
using hyperv::PlannedVm;

namespace {

constexpr const char* kConnectionClass = "Msvm_EthernetPortAllocationSettingData";

Error not_there(const std::string& what) {
    return Error{ErrorCode::not_found, what + " is not there (0x80041002)"};
}

std::string settings_of(const std::string& id) {
    return "Microsoft:" + id;
}

}  // namespace

FakeRestoreWorld::FakeRestoreWorld(FakeHostWorld& host, FileSystem& file_system, Random& random)
    : host_(host), file_system_(file_system), random_(random) {}

std::string FakeRestoreWorld::add_foreign_planned(const std::string& name) {
    PlannedVm vm;
    vm.id = Guid::make_random(random_).to_upper_string();
    vm.name = name;
    vm.settings_id = settings_of(vm.id);
    vm.data_roots = {"C:\\elsewhere"};
    planned.push_back(vm);
    return vm.id;
}

std::optional<std::filesystem::path> FakeRestoreWorld::resolve(const std::string& path) const {
    for (const auto& [prefix, folder] : folders) {
        if (!path.starts_with(prefix)) continue;
        if (behaviour.cannot_read_share && prefix.starts_with("\\\\")) continue;
        std::string rest = path.substr(prefix.size());
        std::replace(rest.begin(), rest.end(), '\\', '/');
        while (rest.starts_with('/'))
            rest.erase(rest.begin());
        return folder / rest;
    }
    return std::nullopt;
}

PlannedVm FakeRestoreWorld::import(const hyperv::ImportRequest& request) {
    const auto file = resolve(request.definition_file);
    const Bytes content = file_system_.read_file(*file, 4096);
    PlannedVm vm;
    const bool keeps = request.identifier == hyperv::SystemIdentifier::keep;
    vm.id = keeps ? host_.vm_id : Guid::make_random(random_).to_upper_string();
    vm.settings_id = settings_of(vm.id);
    vm.name = behaviour.hides_snapshot_name
                  ? std::string{"Imported"}
                  : std::string{reinterpret_cast<const char*>(content.data()), content.size()};
    vm.version = "9.0";
    vm.notes = {"written by its owner"};
    vm.data_roots = {"C:\\ProgramData"};
    if (behaviour.reads_in_place) {
        vm.data_roots = {request.definition_file.substr(0, request.definition_file.rfind('\\'))};
    }
    for (const FakeDisk& known : host_.disks) {
        Disk disk;
        disk.slot_id = behaviour.resets_slots
                           ? fmt::format("NEW-CONTROLLER\\0\\{}\\L", vm.disks.size())
                           : known.slot_id;
        disk.instance_id = vm.settings_id + "\\" + disk.slot_id;
        disk.drive_id = disk.instance_id;
        disk.drive_id.back() = 'D';
        disk.path = "C:\\VMs\\disk_1234.avhdx";
        disk.controller = "scsi";
        disk.location = static_cast<std::uint32_t>(vm.disks.size());
        vm.disks.push_back(disk);
    }
    vm.hardware.adapters = adapters;
    for (NetworkAdapter& adapter : vm.hardware.adapters) {
        adapter.instance_id = vm.settings_id + "\\" + adapter.name;
        adapter.connection_id = adapter.instance_id + "\\C";
    }
    vm.hardware.media = media;
    return vm;
}

std::vector<PlannedProblem> FakeRestoreWorld::validate(const PlannedVm& vm) const {
    std::vector<PlannedProblem> problems = behaviour.problems;
    for (const NetworkAdapter& adapter : vm.hardware.adapters) {
        if (adapter.connection_id.empty() || adapter.switch_id.empty()) continue;
        const bool is_here = std::any_of(switches.begin(), switches.end(), [&](const auto& one) {
            return one.id == adapter.switch_id;
        });
        if (is_here || (!adapter.is_connected && !behaviour.minds_dead_connections)) continue;
        problems.push_back({0x80070002, "33012", "Der Switch wurde nicht gefunden (0x80070002)",
                            kConnectionClass, adapter.connection_id});
    }
    for (const Disk& disk : vm.disks) {
        const auto file = resolve(disk.path);
        if (file && file_system_.exists(*file)) continue;
        problems.push_back({0x80070002, "14420", "Datei nicht gefunden (0x80070002)",
                            "Msvm_StorageAllocationSettingData", disk.instance_id});
    }
    return problems;
}

PlannedVm& FakeRestoreWorld::get(const std::string& id) {
    for (PlannedVm& vm : planned) {
        if (vm.id == id) return vm;
    }
    throw not_there("planned VM " + id);
}

PlannedVm& FakeRestoreWorld::owner_of(const std::string& setting_id) {
    for (PlannedVm& vm : planned) {
        if (setting_id.starts_with(vm.settings_id)) return vm;
    }
    throw not_there("setting " + setting_id);
}

void FakeRestoreWorld::realise(const std::string& id) {
    const PlannedVm vm = get(id);
    vms.push_back({vm.id, vm.name, "off", vm.notes});
    disks_of_vms[vm.id] = vm.disks;
    adapters_of_vms[vm.id] = vm.hardware.adapters;
    std::erase_if(planned, [&](const PlannedVm& one) { return one.id == id; });
}

template <typename Act>
auto FakeRestoreHost::observed(const char* call, const Act& act) {
    if (stop_.stop_requested()) throw Error{ErrorCode::cancelled, "cancelled"};
    observer_(call, FakeHost::Moment::before);
    if constexpr (std::is_void_v<decltype(act())>) {
        act();
        observer_(call, FakeHost::Moment::after);
    } else {
        auto result = act();
        observer_(call, FakeHost::Moment::after);
        return result;
    }
}

std::vector<PlannedVm> FakeRestoreHost::list_planned_vms() {
    return observed("list_planned_vms", [&] {
        std::vector<PlannedVm> list = world_.planned;
        for (PlannedVm& vm : list) {
            vm.disks.clear();
            vm.hardware = {};
        }
        return list;
    });
}

std::optional<PlannedVm> FakeRestoreHost::find_planned_vm(const std::string& id) {
    return observed("find_planned_vm", [&]() -> std::optional<PlannedVm> {
        for (const PlannedVm& vm : world_.planned) {
            if (vm.id == id) return vm;
        }
        return std::nullopt;
    });
}

std::vector<hyperv::VmIdentity> FakeRestoreHost::list_vm_identities() {
    return observed("list_vm_identities", [&] {
        auto list = world_.vms;
        const FakeHostWorld& host = world_.host_;
        if (world_.has_original) list.push_back({host.vm_id, host.vm_name, host.vm_state, {}});
        return list;
    });
}

hyperv::DefaultPaths FakeRestoreHost::read_default_paths() {
    return observed("read_default_paths", [&] {
        return hyperv::DefaultPaths{"C:\\VHDs", "C:\\ProgramData"};
    });
}

std::vector<hyperv::VirtualSwitch> FakeRestoreHost::list_switches() {
    return observed("list_switches", [&] { return world_.switches; });
}

hyperv::DiskFileLook FakeRestoreHost::look_at_disk_file(const std::string& path) {
    return observed("look_at_disk_file", [&] {
        hyperv::DiskFileLook look;
        const auto file = world_.resolve(path);
        if (!file || !world_.file_system_.exists(*file)) {
            look.reason =
                file ? "0x80070002: a file was not found" : "0x80070005: access is denied";
            return look;
        }
        const auto image = disk::open_vhdx(world_.file_system_.open_read(*file));
        look.is_readable = true;
        look.virtual_disk_id = image->info().virtual_disk_id;
        look.size_bytes = image->info().size_bytes;
        return look;
    });
}

std::optional<std::uint64_t> FakeRestoreHost::find_free_bytes(const std::string&) {
    return observed("find_free_bytes", [&] { return world_.free_bytes; });
}

JobRef FakeRestoreHost::start_import(const hyperv::ImportRequest& request) {
    return observed("start_import", [&] {
        world_.imports.push_back(request);
        const auto file = world_.resolve(request.definition_file);
        std::uint32_t hresult = world_.behaviour.import_hresult;
        if (!file || !world_.file_system_.exists(*file)) hresult = 0x80070002;
        if (hresult != 0) return world_.host_.start_job("import", hresult, {});
        const PlannedVm vm = world_.import(request);
        world_.planned.push_back(vm);
        return world_.host_.start_job("import", 0, {vm.id});
    });
}

JobRef FakeRestoreHost::start_validate(const std::string& planned_id) {
    return observed("start_validate", [&] {
        const auto problems = world_.validate(world_.get(planned_id));
        const std::uint32_t plain = world_.behaviour.validate_hresult;
        const JobRef job =
            world_.host_.start_job("validate", problems.empty() ? plain : 0x80070490, {});
        world_.found_[job.instance_id] = problems;
        return job;
    });
}

JobRef FakeRestoreHost::start_realise(const std::string& planned_id) {
    return observed("start_realise", [&] {
        world_.get(planned_id);
        const std::uint32_t hresult = world_.behaviour.realise_hresult;
        if (hresult == 0 || world_.behaviour.leaves_half_vm) world_.realise(planned_id);
        const JobRef job = world_.host_.start_job("realise", hresult, {planned_id});
        if (hresult != 0) world_.found_[job.instance_id] = world_.behaviour.realise_problems;
        return job;
    });
}

JobRef FakeRestoreHost::start_destroy_planned_vm(const std::string& planned_id) {
    return observed("start_destroy_planned_vm", [&] {
        world_.get(planned_id);
        if (world_.behaviour.refuses_destroy > 0) {
            --world_.behaviour.refuses_destroy;
            return world_.host_.start_job("destroy", 0x80070020, {});
        }
        world_.destroyed.push_back(planned_id);
        std::erase_if(world_.planned, [&](const PlannedVm& vm) { return vm.id == planned_id; });
        return world_.host_.start_job("destroy", 0, {});
    });
}

JobRef FakeRestoreHost::start_destroy_vm(const std::string& vm_id) {
    return observed("start_destroy_vm", [&] {
        world_.destroyed.push_back(vm_id);
        std::erase_if(world_.vms, [&](const auto& vm) { return vm.id == vm_id; });
        return world_.host_.start_job("destroy", 0, {});
    });
}

JobRef FakeRestoreHost::start_vm(const std::string& vm_id) {
    return observed("start_vm", [&] {
        for (hyperv::VmIdentity& vm : world_.vms) {
            if (vm.id == vm_id && world_.behaviour.start_hresult == 0) vm.state = "running";
        }
        return world_.host_.start_job("start", world_.behaviour.start_hresult, {});
    });
}

void FakeRestoreHost::change_planned_vm(const hyperv::PlannedChange& change) {
    observed("change_planned_vm", [&] {
        PlannedVm& vm = world_.owner_of(change.settings_id);
        vm.name = change.name;
        vm.notes = change.notes;
        vm.data_roots = {change.data_root};
    });
}

void FakeRestoreHost::set_disk_path(const std::string& disk_instance_id, const std::string& path) {
    observed("set_disk_path", [&] {
        for (Disk& disk : world_.owner_of(disk_instance_id).disks) {
            if (disk.instance_id == disk_instance_id) disk.path = path;
        }
    });
}

NetworkAdapter& FakeRestoreHost::adapter_of(const NetworkAdapter& adapter) {
    for (NetworkAdapter& known : world_.owner_of(adapter.instance_id).hardware.adapters) {
        if (known.instance_id == adapter.instance_id) return known;
    }
    throw not_there("adapter " + adapter.instance_id);
}

void FakeRestoreHost::let_host_choose_mac(const NetworkAdapter& adapter) {
    observed("let_host_choose_mac", [&] {
        adapter_of(adapter).mac_address.clear();
        adapter_of(adapter).is_mac_static = false;
    });
}

void FakeRestoreHost::connect_adapter(const NetworkAdapter& adapter, const std::string& switch_id) {
    observed("connect_adapter", [&] {
        NetworkAdapter& known = adapter_of(adapter);
        known.is_connected = true;
        known.switch_id = switch_id;
        for (const auto& one : world_.switches) {
            if (one.id == switch_id) known.switch_name = one.name;
        }
    });
}

void FakeRestoreHost::disconnect_adapter(const NetworkAdapter& adapter) {
    observed("disconnect_adapter", [&] { adapter_of(adapter).is_connected = false; });
}

void FakeRestoreHost::remove_settings(const std::vector<hyperv::SettingRef>& settings) {
    observed("remove_settings", [&] {
        for (const hyperv::SettingRef& setting : settings) {
            const std::string& id = setting.instance_id;
            std::size_t count = 0;
            for (PlannedVm& vm : world_.planned) {
                // Without its image a drive is empty, and goes with the disk.
                for (Disk& disk : vm.disks) {
                    if (disk.instance_id != id || disk.drive_id == id) continue;
                    disk.instance_id = disk.drive_id;
                    disk.path.clear();
                    ++count;
                }
                count += std::erase_if(vm.disks, [&](const Disk& disk) {
                    return disk.drive_id == id && disk.instance_id == id;
                });
                count += std::erase_if(vm.hardware.media, [&](const auto& medium) {
                    return medium.instance_id == id;
                });
                for (NetworkAdapter& adapter : vm.hardware.adapters) {
                    if (adapter.connection_id != id) continue;
                    adapter.connection_id.clear();
                    adapter.is_connected = false;
                    ++count;
                }
            }
            if (count == 0) throw not_there("setting " + id);
        }
    });
}

std::vector<PlannedProblem> FakeRestoreHost::read_problems(const JobRef& job) {
    return observed("read_problems", [&] { return world_.found_[job.instance_id]; });
}

std::vector<std::string> FakeRestoreHost::list_affected_planned_vms(const JobRef& job) {
    return observed("list_affected_planned_vms",
                    [&] { return world_.host_.affected_of(job, "import"); });
}

std::vector<std::string> FakeRestoreHost::list_affected_vms(const JobRef& job) {
    return observed("list_affected_vms", [&] { return world_.host_.affected_of(job, "realise"); });
}

std::vector<JobRef> FakeRestoreHost::list_running_jobs(hyperv::JobKind kind) {
    return observed("list_running_jobs", [&] {
        return world_.host_.list_jobs(kind == hyperv::JobKind::import ? "import" : "realise",
                                      FakeHostWorld::Which::running);
    });
}

}  // namespace entrepot::test
