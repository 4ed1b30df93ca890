// Settings and states of VMs, planned ones and checkpoints too (hyperv-wmi.md 2.1, 2.2, 2.8).
#include "tests/hostsim/host/methods.h"
#include "tests/hostsim/host/names.h"
#include "tests/hostsim/host/validation.h"

#include "tests/hostsim/cim/embedded.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kNameLengthMax = 100;
constexpr std::uint32_t kInvalidArgument = 0x80070057;

// What ModifySystemSettings may change beside ElementName and Notes.
constexpr std::string_view kWritable[] = {
    "AutomaticCriticalErrorAction",
    "AutomaticRecoveryAction",
    "AutomaticShutdownAction",
    "AutomaticSnapshotsEnabled",
    "AutomaticStartupAction",
    "AutomaticStartupActionSequenceNumber",
    "BIOSNumLock",
    "ConfigurationDataRoot",
    "ConsoleMode",
    "EnableHibernation",
    "GuestStateDataRoot",
    "IncrementalBackupEnabled",
    "LockOnDisconnect",
    "LogDataRoot",
    "LowMmioGapSize",
    "HighMmioGapSize",
    "HighMmioGapBase",
    "NetworkBootPreferredProtocol",
    "PauseAfterBootFailure",
    "SecureBootEnabled",
    "SecureBootTemplateId",
    "SnapshotDataRoot",
    "SuspendDataRoot",
    "SwapFileDataRoot",
    "TurnOffOnGuestRestart",
    "UserSnapshotType",
    "VirtualNumaEnabled",
};

bool is_writable(std::string_view name) {
    return std::any_of(std::begin(kWritable), std::end(kWritable),
                       [&](std::string_view row) { return same_name(row, name); });
}

Json to_json(const Value& value) {
    if (value.is_null()) return {};
    const Scalar& first = value.items.front();
    if (const bool* flag = std::get_if<bool>(&first)) return *flag;
    if (const auto* number = std::get_if<std::uint64_t>(&first)) return *number;
    return to_text(first);
}

/// What is to be changed, taken apart before the job begins.
struct SettingsChange {
    std::string id;
    std::optional<std::string> name;
    std::optional<std::vector<std::string>> notes;
    Json settings = Json::object();
    bool has_read_only = false;
};

SettingsChange read_change(const Instance& instance) {
    SettingsChange change;
    for (const auto& [name, value] : instance.properties) {
        if (same_name(name, "InstanceID")) {
            change.id = guid_of_settings_id(value.text());
        } else if (same_name(name, "ElementName")) {
            change.name = value.text();
        } else if (same_name(name, "Notes")) {
            // Of several, Hyper-V keeps the first.
            change.notes.emplace();
            if (!value.is_null()) change.notes->push_back(value.text());
        } else if (is_writable(name)) {
            change.settings[name] = to_json(value);
        } else {
            change.has_read_only = true;
        }
    }
    return change;
}

void apply_change(JobContext& job, const SettingsChange& change) {
    // Echoing read-only properties fails the job, not the call.
    if (change.has_read_only) throw JobFailure{kInvalidArgument, "A read-only property."};
    Host& host = job.host();
    const std::lock_guard lock{host.mutex()};
    if (Snapshot* snapshot = host.model().find_snapshot(change.id)) {
        if (change.name && !change.name->empty()) snapshot->name = *change.name;
        host.save();
        return;
    }
    Vm* vm = host.model().find_owner(change.id);
    if (vm == nullptr) throw JobFailure{0x80070490, "The virtual machine was not found."};
    if (change.name && !change.name->empty()) vm->name = *change.name;
    if (change.notes) vm->notes = *change.notes;
    vm->settings.update(change.settings);
    vm->configured = host.now();
    host.save();
}

struct Transition {
    unsigned long requested;
    std::string_view from[3];
    std::string_view to;  ///< Empty: the state stays.
};

// CIM's requested states as Hyper-V takes them: start, turn off, shut down, save, pause, reboot,
// reset.
constexpr Transition kTransitions[] = {
    {2, {"off", "saved", "paused"}, "running"},
    {3, {"running", "paused", "saved"}, "off"},
    {4, {"running", "", ""}, "off"},
    {6, {"running", "paused", ""}, "saved"},
    {9, {"running", "", ""}, "paused"},
    {10, {"running", "", ""}, ""},
    {11, {"running", "", ""}, ""},
};

/// A VM starts only with all of its disks.
void check_disks(JobContext& job, const Vm& vm) {
    for (const VmDisk& disk : vm.disks) {
        if (!disk.is_imported) continue;
        const auto problem = find_image_problem(job.host(), vm, disk);
        if (!problem) continue;
        // The code stands at the end of the text already.
        const std::size_t at = problem->text.rfind("(0x");
        throw JobFailure{
            static_cast<std::uint32_t>(std::strtoul(problem->text.c_str() + at + 1, nullptr, 16)),
            "'" + vm.name + "' failed to start. " + problem->text.substr(0, at)};
    }
}

void change_state(JobContext& job, const std::string& id, const Transition& transition) {
    Host& host = job.host();
    Vm copy;
    {
        const std::lock_guard lock{host.mutex()};
        const Vm* vm = host.model().find_vm(id);
        if (vm == nullptr) throw JobFailure{0x80070490, "The virtual machine was not found."};
        copy = *vm;
    }
    if (transition.requested == 2 && copy.state == "off") check_disks(job, copy);
    const std::lock_guard lock{host.mutex()};
    Vm* vm = host.model().find_vm(id);
    if (vm == nullptr) throw JobFailure{0x80070490, "The virtual machine was not found."};
    if (!transition.to.empty()) vm->state = transition.to;
    host.save();
}

}  // namespace

std::uint32_t modify_system_settings(MethodCall& call) {
    const EmbeddedResult settings = parse_embedded(
        call.text("SystemSettings"), "Msvm_VirtualSystemSettingData", call.host.schema());
    if (!settings.instance) return settings.return_value;
    const SettingsChange change = read_change(*settings.instance);
    const Snapshot* snapshot = call.host.model().find_snapshot(change.id);
    const Vm* vm = call.host.model().find_owner(change.id);
    if (snapshot == nullptr && vm == nullptr) return kInvalidParameter;
    if (change.name && change.name->size() > kNameLengthMax) return kInvalidParameter;
    return call.start({.type = 2,
                       .caption = "Modifying Virtual Machine",
                       .vm_id = vm != nullptr ? vm->id : snapshot->vm_id,
                       .work = [change](JobContext& job) { apply_change(job, change); }});
}

std::uint32_t request_vm_state_change(MethodCall& call) {
    const auto name = call.target.keys.find("Name");
    if (name == call.target.keys.end() || !call.has("RequestedState")) return kInvalidParameter;
    const Vm* vm = call.host.model().find_vm(name->second);
    if (vm == nullptr) return kNotSupported;  // The host itself.
    const unsigned long requested = std::strtoul(call.text("RequestedState").c_str(), nullptr, 10);
    const auto row =
        std::find_if(std::begin(kTransitions), std::end(kTransitions),
                     [&](const Transition& item) { return item.requested == requested; });
    if (row == std::end(kTransitions)) return kInvalidParameter;
    const bool is_allowed =
        std::find(std::begin(row->from), std::end(row->from), vm->state) != std::end(row->from);
    if (!is_allowed || vm->busy_status != 0) return kInvalidState;
    return call.start({.type = 10,
                       .caption = "Changing Virtual Machine State",
                       .vm_id = vm->id,
                       .work = [id = vm->id, transition = *row](JobContext& job) {
                           change_state(job, id, transition);
                       }});
}

}  // namespace entrepot::hostsim
