// Message ids 33012 and 40010 are those of Compare-VM's published reports.
#include "tests/hostsim/host/validation.h"

#include "tests/hostsim/disk/vhdx_reader.h"
#include "tests/hostsim/host/definition_file.h"
#include "tests/hostsim/host/host_files.h"
#include "tests/hostsim/host/names.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::hostsim {
namespace {

constexpr std::uint32_t kSwitchMessage = 33012;
constexpr std::uint32_t kStorageMessage = 40010;
constexpr std::uint32_t kGeneralMessage = 32768;
constexpr std::uint32_t kFileNotFound = 0x80070002;
constexpr std::uint32_t kPathNotFound = 0x80070003;
constexpr std::uint32_t kSharingViolation = 0x80070020;
constexpr std::uint32_t kNotSupported = 0x80070032;
constexpr std::uint32_t kDiskFull = 0x80070070;
constexpr std::uint32_t kAlreadyExists = 0x800700B7;
constexpr std::uint32_t kDiskLimitation = 0xC03A001A;
constexpr std::uint64_t kSystemFilesBytes = 5 * kMiB;

/// The sentence in the host's language; what it is about is named in all of them.
std::string with_code(const Host& host, const std::string& words, std::uint32_t hresult,
                      const std::string& what = {}) {
    return fmt::format("{} (0x{:08X}).", host.localise(words, what), hresult);
}

JobProblem disk_problem(const Host& host, const Vm& vm, const VmDisk& disk, std::uint32_t hresult,
                        const std::string& words) {
    const std::string path = disk.has_medium() ? disk.active_path() : std::string{};
    return {kStorageMessage,
            with_code(
                host,
                fmt::format("'{}' cannot open attachment '{}'. Error: '{}'", vm.name, path, words),
                hresult, path),
            false, disk_instance_id(vm.id, vm, disk)};
}

/// True if a VM of the host, running or not, has the same image in a drive.
bool is_in_use(const Model& model, const Vm& vm, const std::string& path) {
    return std::any_of(model.vms.begin(), model.vms.end(), [&](const Vm& other) {
        if (other.id == vm.id) return false;
        return std::any_of(other.disks.begin(), other.disks.end(), [&](const VmDisk& disk) {
            return !disk.is_dvd && disk.has_medium() && same_name(disk.base_path(), path);
        });
    });
}

std::optional<JobProblem> find_drive_problem(Host& host, const Vm& vm, const VmDisk& disk) {
    if (disk.is_pass_through) {
        return disk_problem(host, vm, disk, kFileNotFound, "The physical disk was not found.");
    }
    if (!disk.has_medium()) return std::nullopt;
    if (!disk.is_dvd) return find_image_problem(host, vm, disk);
    if (HostFiles{host.config()}.find(disk.active_path())) return std::nullopt;
    return disk_problem(host, vm, disk, kFileNotFound,
                        "The system cannot find the file specified.");
}

void add_network_problems(const Host& host, const Vm& vm, std::vector<JobProblem>& problems) {
    for (const NetworkAdapter& adapter : vm.adapters) {
        if (adapter.switch_id.empty()) continue;
        const auto& switches = host.config().switches;
        const bool is_known = std::any_of(
            switches.begin(), switches.end(),
            [&](const SwitchConfig& known) { return same_name(known.id, adapter.switch_id); });
        if (is_known) continue;
        problems.push_back(
            {kSwitchMessage,
             host.localise(fmt::format("Could not find Ethernet switch '{}'.", adapter.switch_name),
                           adapter.switch_name),
             host.config().missing_switch_is_warning, connection_id(vm.id, adapter)});
    }
}

void add_file_problems(Host& host, const Vm& vm, std::vector<JobProblem>& problems) {
    const HostFiles files{host.config()};
    const auto add = [&](std::uint32_t hresult, const std::string& words) {
        problems.push_back(
            {kGeneralMessage, with_code(host, words, hresult), false, settings_id(vm.id)});
    };
    for (const std::string& file : companion_files(vm.definition_file)) {
        const bool is_older = host.config().os_build < 16299 && file.ends_with(".vmgs");
        if (!is_older && !files.find(file)) {
            add(kFileNotFound, fmt::format("'{}' was not found.", file));
        }
    }
    const std::string root = vm.root("ConfigurationDataRoot");
    if (files.local_path(root + "\\x").empty() && !files.find(root)) {
        add(kPathNotFound, fmt::format("The folder '{}' was not found.", root));
    }
    const auto free = files.free_bytes(root + "\\x");
    if (free && *free < kSystemFilesBytes) {
        add(kDiskFull, fmt::format("There is not enough space in '{}'.", root));
    }
}

}  // namespace

std::vector<std::string> companion_files(const std::string& definition_file) {
    const std::string stem = definition_file.substr(0, definition_file.rfind('.'));
    return {stem + ".vmgs", stem + ".VMRS"};
}

std::optional<JobProblem> find_image_problem(Host& host, const Vm& vm, const VmDisk& disk) {
    const HostFiles files{host.config()};
    const std::string path = disk.base_path();
    try {
        const ImageChain chain{path, [&](const std::string& file) { return files.open(file); }};
        for (const std::string& file : chain.paths()) {
            const auto facts = files.find(file);
            if (!facts || !facts->is_sparse) continue;
            return disk_problem(host, vm, disk, kDiskLimitation, "The file must not be sparse.");
        }
    } catch (const TargetFailure& failure) {
        return disk_problem(host, vm, disk, failure.hresult, failure.text);
    }
    const std::lock_guard lock{host.mutex()};
    if (!is_in_use(host.model(), vm, path)) return std::nullopt;
    return disk_problem(host, vm, disk, kSharingViolation,
                        "The file is being used by another process.");
}

std::vector<JobProblem> find_problems(Host& host, const Vm& planned) {
    std::vector<JobProblem> problems;
    {
        const std::lock_guard lock{host.mutex()};
        if (host.model().find_vm(planned.id) != nullptr) {
            problems.push_back({kGeneralMessage,
                                with_code(host,
                                          "A virtual machine with the same identifier already "
                                          "exists.",
                                          kAlreadyExists),
                                false, settings_id(planned.id)});
        }
    }
    if (is_newer_version(planned.version, newest_version(host.config().os_build))) {
        problems.push_back(
            {kGeneralMessage,
             with_code(host,
                       fmt::format("The configuration version {} is not supported by this host.",
                                   planned.version),
                       kNotSupported),
             false, settings_id(planned.id)});
    }
    add_file_problems(host, planned, problems);
    for (const VmDisk& disk : planned.disks) {
        if (auto problem = find_drive_problem(host, planned, disk)) {
            problems.push_back(std::move(*problem));
        }
    }
    add_network_problems(host, planned, problems);
    return problems;
}

}  // namespace entrepot::hostsim
