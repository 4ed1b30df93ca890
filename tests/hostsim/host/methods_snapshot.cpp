// Snapshots, reference points and renaming (hyperv-wmi.md 2.4 to 2.8, 5).
#include "tests/hostsim/host/methods.h"
#include "tests/hostsim/host/names.h"
#include "tests/hostsim/host/snapshot_operations.h"

#include "tests/hostsim/cim/embedded.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace entrepot::hostsim {
namespace {

// Family B of the return codes.
constexpr std::uint32_t kNotSupportedSnapshot = 1;
constexpr std::uint32_t kInvalidParameterSnapshot = 4;
constexpr std::uint32_t kInvalidStateSnapshot = 5;
constexpr unsigned long kRecoverySnapshotType = 32768;
constexpr std::uint32_t kCreated = 5;

const Vm* find_vm(MethodCall& call, const std::string& parameter) {
    const ObjectRef* ref = call.ref(parameter);
    if (ref == nullptr) return nullptr;
    const auto name = ref->keys.find("Name");
    const auto creation = ref->keys.find("CreationClassName");
    if (name == ref->keys.end() || creation == ref->keys.end()) return nullptr;
    return call.host.model().find_vm(name->second);
}

Snapshot* find_snapshot(MethodCall& call, const std::string& parameter) {
    const ObjectRef* ref = call.ref(parameter);
    if (ref == nullptr) return nullptr;
    const auto id = ref->keys.find("InstanceID");
    if (id == ref->keys.end()) return nullptr;
    return call.host.model().find_snapshot(guid_of_settings_id(id->second));
}

bool all_disks_can_be_frozen(const Vm& vm) {
    return std::all_of(vm.disks.begin(), vm.disks.end(),
                       [](const VmDisk& disk) { return disk.can_be_frozen(); });
}

/// The settings of CreateSnapshot; their absence means the provider's defaults.
std::uint32_t read_snapshot_settings(MethodCall& call, const Vm& vm, SnapshotRequest& request) {
    bool ignores_others = false;
    request.consistency = 1;
    const std::string text = call.text("SnapshotSettings");
    if (!text.empty()) {
        const EmbeddedResult settings =
            parse_embedded(text, "Msvm_VirtualSystemSnapshotSettingData", call.host.schema());
        if (!settings.instance) return settings.return_value;
        const Value& level = settings.instance->at("ConsistencyLevel");
        if (!level.is_null()) request.consistency = static_cast<std::uint32_t>(level.number());
        ignores_others = settings.instance->at("IgnoreNonSnapshottableDisks").flag();
        const Value& name = settings.instance->at("ElementName");
        const bool takes_name = !call.host.faults().take("unnamed-snapshot", call.method);
        if (takes_name && !name.is_null()) request.name = name.text();
    }
    if (request.consistency != 1 && request.consistency != 2) return kInvalidParameterSnapshot;
    if (!ignores_others && !all_disks_can_be_frozen(vm)) return kFailed;
    return kCompleted;
}

}  // namespace

std::uint32_t create_snapshot(MethodCall& call) {
    const Vm* vm = find_vm(call, "AffectedSystem");
    if (vm == nullptr || !call.has("SnapshotType")) return kInvalidParameterSnapshot;
    const unsigned long type = std::strtoul(call.text("SnapshotType").c_str(), nullptr, 10);
    if (type != 2 && type != 3 && type != kRecoverySnapshotType) return kInvalidParameterSnapshot;
    SnapshotRequest request;
    request.vm_id = vm->id;
    const std::uint32_t refusal = read_snapshot_settings(call, *vm, request);
    if (refusal != kCompleted) return refusal;
    request.kind = type == kRecoverySnapshotType ? SnapshotKind::recovery : SnapshotKind::user;
    const bool is_second = request.kind == SnapshotKind::recovery &&
                           call.host.model().has_recovery_snapshot(vm->id) &&
                           !call.host.faults().take("second-snapshot-allowed", call.method);
    if (is_second || vm->busy_status != 0) return kInvalidStateSnapshot;
    return call.start({.type = 70,
                       .caption = "Creating Virtual Machine Checkpoint",
                       .vm_id = vm->id,
                       .busy_status = 32768,
                       .work = [request](JobContext& job) {
                           const bool is_quiet = request.consistency == 1;
                           if (is_quiet &&
                               job.host().faults().take("guest-vss-fails", "CreateSnapshot")) {
                               throw JobFailure{0x800423F4, "A VSS writer of the guest failed."};
                           }
                           job.report(20);
                           const std::string id =
                               take_snapshot(job.host(), request, [&] { job.check_cancelled(); });
                           job.affect(settings_ref(id), kCreated);
                       }});
}

std::uint32_t destroy_snapshot(MethodCall& call) {
    const Snapshot* snapshot = find_snapshot(call, "AffectedSnapshot");
    if (snapshot == nullptr) return kInvalidParameterSnapshot;
    const Vm* vm = call.host.model().find_vm(snapshot->vm_id);
    if (vm != nullptr && vm->busy_status == 32773) return kInvalidStateSnapshot;
    return call.start({.type = 72,
                       .caption = "Deleting Checkpoint",
                       .vm_id = snapshot->vm_id,
                       .busy_status = 32770,
                       .work = [id = snapshot->id](JobContext& job) {
                           destroy_snapshot_object(job.host(), id);
                       }});
}

std::uint32_t convert_to_reference_point(MethodCall& call) {
    const Snapshot* snapshot = find_snapshot(call, "AffectedSnapshot");
    if (snapshot == nullptr) return kInvalidParameterSnapshot;
    if (snapshot->kind != SnapshotKind::recovery) return kNotSupportedSnapshot;
    const std::string settings = call.text("ReferencePointSettings");
    if (!settings.empty()) {
        const EmbeddedResult parsed = parse_embedded(
            settings, "Msvm_VirtualSystemReferencePointSettingData", call.host.schema());
        if (!parsed.instance) return parsed.return_value;
    }
    const Vm* vm = call.host.model().find_vm(snapshot->vm_id);
    if (vm == nullptr || vm->busy_status == 32773) return kInvalidStateSnapshot;
    return call.start(
        {.type = 200,
         .caption = "Converting Checkpoint to Reference Point",
         .vm_id = snapshot->vm_id,
         .work = [id = snapshot->id](JobContext& job) {
             const std::string point =
                 convert_snapshot(job.host(), id, "wsman", [&] { job.check_cancelled(); });
             ObjectRef ref;
             {
                 const std::lock_guard lock{job.host().mutex()};
                 ref = reference_point_ref(*job.host().model().find_reference_point(point));
             }
             job.affect(ref, kCreated);
         }});
}

std::uint32_t destroy_reference_point(MethodCall& call) {
    const ObjectRef* ref = call.ref("AffectedReferencePoint");
    if (ref == nullptr || ref->keys.size() != 2 || !ref->keys.contains("InstanceID")) {
        return kInvalidParameter;
    }
    const ReferencePoint* point =
        call.host.model().find_reference_point(ref->keys.at("InstanceID"));
    const bool is_same = point != nullptr && ref->keys.contains("VirtualSystemIdentifier") &&
                         same_name(ref->keys.at("VirtualSystemIdentifier"), point->vm_id);
    if (!is_same) return kInvalidParameter;
    return call.start(
        {.type = 202,
         .caption = "Deleting Reference Point",
         .vm_id = point->vm_id,
         .work = [id = point->id](JobContext& job) { drop_reference_point(job.host(), id); }});
}

std::uint32_t modify_disk_merge_settings(MethodCall& call) {
    const EmbeddedResult settings =
        parse_embedded(call.text("SettingData"), "Msvm_DiskMergeSettingData", call.host.schema());
    if (!settings.instance) return settings.return_value;
    const std::string id = settings.instance->at("InstanceID").text();
    const Value& state = settings.instance->at("EnabledState");
    Vm* vm = call.host.model().find_vm(guid_of_settings_id(id));
    if (vm == nullptr || id.find('\\') == std::string::npos || state.is_null()) {
        return kInvalidParameter;
    }
    vm->is_merge_disabled = state.number() == 0;
    if (!vm->is_merge_disabled && !vm->merging.empty()) {
        vm->merge_ends = call.host.now() + call.host.config().speed.merge;
    }
    call.host.save();
    return kCompleted;
}

}  // namespace entrepot::hostsim
