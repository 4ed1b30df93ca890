// A planned VM is configuration alone: its files stay where they are until it is realised.
#include "tests/hostsim/host/planned_operations.h"

#include "tests/hostsim/disk/vhdx_reader.h"
#include "tests/hostsim/host/definition_file.h"
#include "tests/hostsim/host/host_files.h"
#include "tests/hostsim/host/names.h"
#include "tests/hostsim/host/validation.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::hostsim {
namespace {

constexpr std::uint32_t kCreated = 5;
constexpr std::uint32_t kNotSupported = 0x80070032;
constexpr std::uint32_t kAlreadyExists = 0x800700B7;
constexpr std::uint32_t kElementNotFound = 0x80070490;
constexpr std::uint64_t kStateFileBytesMax = 64 * kMiB;
constexpr const char* kRoots[] = {"ConfigurationDataRoot", "SnapshotDataRoot",
                                  "SuspendDataRoot",       "SwapFileDataRoot",
                                  "LogDataRoot",           "GuestStateDataRoot"};

/// The folder that an import counts from: above "Virtual Machines", where there is one.
std::string import_folder(const std::string& definition_file) {
    const std::string folder = folder_of(definition_file);
    return same_name(file_name_of(folder), "Virtual Machines") ? folder_of(folder) : folder;
}

Vm need_planned(Host& host, const std::string& id) {
    const std::lock_guard lock{host.mutex()};
    const Vm* vm = host.model().find_planned(id);
    if (vm == nullptr) {
        throw JobFailure{kElementNotFound, "The planned virtual machine was not found."};
    }
    return *vm;
}

/// The switch of that name where the one with that id is not there, as Hyper-V looks for it.
void find_switches(const Config& config, Vm& vm) {
    for (NetworkAdapter& adapter : vm.adapters) {
        if (adapter.switch_id.empty()) continue;
        for (const SwitchConfig& known : config.switches) {
            if (known.name == adapter.switch_name) adapter.switch_id = known.id;
        }
    }
}

Vm read_planned(JobContext& job, const ImportOrder& order) {
    Host& host = job.host();
    const auto file = HostFiles{host.config()}.open(order.definition_file);
    const std::string folder = import_folder(order.definition_file);
    Vm vm =
        vm_from_definition(parse_definition_file(read_source(*file, kDefinitionBytesMax)), folder);
    vm.definition_file = order.definition_file;
    vm.created_by = "wsman";
    vm.configured = host.now();
    if (order.has_new_id) vm.id = host.make_id();
    for (const char* root : kRoots)
        vm.settings[root] = folder;
    find_switches(host.config(), vm);
    const std::string newest = newest_version(host.config().os_build);
    const bool is_late =
        host.faults().take("late-version-check", "ImportSystemDefinition").has_value();
    if (is_newer_version(vm.version, newest) && !is_late) {
        throw JobFailure{kNotSupported,
                         fmt::format("The configuration version {} is not supported; this host "
                                     "reads versions up to {}.",
                                     vm.version, newest)};
    }
    return vm;
}

/// Errors end the job; warnings are for whoever reads them.
std::vector<JobProblem> check(Host& host, const Vm& planned,
                              std::optional<std::uint32_t> extra = {}) {
    std::vector<JobProblem> problems = find_problems(host, planned);
    if (extra) {
        problems.push_back({*extra,
                            host.localise("The host found a problem that it does not explain."),
                            false, settings_id(planned.id)});
    }
    const bool has_error = std::any_of(problems.begin(), problems.end(),
                                       [](const JobProblem& item) { return !item.is_warning; });
    if (has_error) {
        throw JobFailure{0x80004005, "The virtual machine is not compatible with this host.", 32768,
                         std::move(problems)};
    }
    return problems;
}

/// What the guest has of images that were read. The images themselves stay.
void remove_contents(const Vm& vm) {
    for (const VmDisk& disk : vm.disks) {
        if (disk.is_imported) std::filesystem::remove(disk.raw);
    }
}

/// The VM's own configuration files, where its settings say. Returns those that are new.
std::vector<std::string> write_configuration(JobContext& job, Vm& vm) {
    const HostFiles files{job.host().config()};
    std::vector<std::string> written;
    const std::string target =
        fmt::format("{}\\Virtual Machines\\{}.vmcx", vm.root("ConfigurationDataRoot"), vm.id);
    const auto from = companion_files(vm.definition_file);
    const auto to = companion_files(target);
    for (std::size_t i = 0; i < from.size(); ++i) {
        if (same_name(from[i], to[i]) || !files.find(from[i])) continue;
        files.write(to[i], read_source(*files.open(from[i]), kStateFileBytesMax));
        written.push_back(to[i]);
    }
    SystemRandom random;
    files.write(target, format_definition_file(make_definition(vm), random));
    if (!same_name(target, vm.definition_file)) written.push_back(target);
    vm.definition_file = target;
    return written;
}

void disconnect_unknown_switches(const Config& config, Vm& vm) {
    for (NetworkAdapter& adapter : vm.adapters) {
        const bool is_known =
            std::any_of(config.switches.begin(), config.switches.end(),
                        [&](const SwitchConfig& known) { return known.id == adapter.switch_id; });
        if (!is_known) adapter.switch_id.clear();
    }
}

void replace_planned(Host& host, Vm& vm) {
    const std::lock_guard lock{host.mutex()};
    if (host.model().find_vm(vm.id) != nullptr) {
        throw JobFailure{kAlreadyExists,
                         "A virtual machine with the same identifier already exists."};
    }
    vm.configured = host.now();
    std::erase_if(host.model().planned, [&](const Vm& item) { return item.id == vm.id; });
    std::erase(host.model().removed_vms, vm.id);
    host.model().vms.push_back(vm);
    host.save();
}

[[noreturn]] void rethrow_as_job_failure() {
    try {
        throw;
    } catch (const TargetFailure& failure) {
        throw JobFailure{failure.hresult, failure.text};
    }
}

}  // namespace

void run_import(JobContext& job, const ImportOrder& order) {
    Host& host = job.host();
    try {
        Vm vm = read_planned(job, order);
        job.report(50);
        job.check_cancelled();
        {
            const std::lock_guard lock{host.mutex()};
            if (host.model().find_owner(vm.id) != nullptr) {
                throw JobFailure{kAlreadyExists,
                                 "A virtual machine with the same identifier already exists."};
            }
            host.model().planned.push_back(vm);
            host.save();
        }
        job.affect(planned_ref(vm.id), kCreated);
    } catch (const TargetFailure& failure) {
        throw JobFailure{failure.hresult, failure.text};
    }
}

void run_validate(JobContext& job, const std::string& planned_id) {
    const Vm planned = need_planned(job.host(), planned_id);
    const auto extra = job.host().faults().take_number("problem", "ValidatePlannedSystem");
    auto problems = check(job.host(), planned, extra);
    if (!problems.empty()) job.warn(std::move(problems));
}

void load_image(JobContext& job, const Vm& vm, VmDisk& disk) {
    Host& host = job.host();
    const HostFiles files{host.config()};
    const ImageChain chain{disk.base_path(),
                           [&](const std::string& file) { return files.open(file); }};
    disk.is_imported = true;
    disk.block_size = chain.facts().block_size;
    disk.logical_sector_size = chain.facts().logical_sector_size;
    disk.disk_id = chain.facts().disk_id;
    disk.raw = host.state_path(fmt::format("disks/{}-{}.raw", vm.id, disk.number));
    write_raw(chain, disk.raw, [&](std::uint64_t) { job.check_cancelled(); });
}

void run_realize(JobContext& job, const std::string& planned_id) {
    Host& host = job.host();
    Vm vm = need_planned(host, planned_id);
    check(host, vm);
    disconnect_unknown_switches(host.config(), vm);
    std::vector<std::string> written;
    try {
        for (VmDisk& disk : vm.disks) {
            if (disk.has_medium() && !disk.is_dvd) load_image(job, vm, disk);
        }
        job.report(60);
        written = write_configuration(job, vm);
        replace_planned(host, vm);
    } catch (...) {
        // What could not be made a VM is as it was.
        remove_contents(vm);
        for (const std::string& file : written)
            HostFiles{host.config()}.remove(file);
        rethrow_as_job_failure();
    }
    job.affect(vm_ref(vm.id), kCreated);
}

void run_destroy(JobContext& job, const std::string& id, bool is_planned) {
    Host& host = job.host();
    Vm vm;
    {
        const std::lock_guard lock{host.mutex()};
        auto& list = is_planned ? host.model().planned : host.model().vms;
        const auto found = std::find_if(list.begin(), list.end(),
                                        [&](const Vm& item) { return same_name(item.id, id); });
        if (found == list.end()) {
            throw JobFailure{kElementNotFound, "The virtual machine was not found."};
        }
        vm = *found;
        list.erase(found);
        if (!is_planned) host.forget_vm(vm.id);
        host.save();
    }
    if (is_planned || vm.definition_file.empty()) return;
    remove_contents(vm);
    try {
        const HostFiles files{host.config()};
        files.remove(vm.definition_file);
        for (const std::string& file : companion_files(vm.definition_file))
            files.remove(file);
    } catch (const TargetFailure& failure) {
        throw JobFailure{failure.hresult, failure.text};
    }
}

}  // namespace entrepot::hostsim
