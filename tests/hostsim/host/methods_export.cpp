// ExportSystemDefinition in backup mode (hyperv-wmi.md 2.9, 5.2, 5.3).
#include "tests/hostsim/host/export_operation.h"
#include "tests/hostsim/host/methods.h"
#include "tests/hostsim/host/names.h"

#include "tests/hostsim/cim/embedded.h"
#include "tests/hostsim/cim/object_path.h"

#include <algorithm>
#include <cstdlib>

namespace entrepot::hostsim {
namespace {

constexpr std::uint64_t kOneSnapshotForBackup = 3;

/// The InstanceID that an object path of this class names; empty if it is no such path.
std::string key_of_path(MethodCall& call, const std::string& path, const char* class_name) {
    const auto ref = parse_object_path(path, call.host.config().host_name);
    if (!ref || !same_name(ref->class_name, class_name)) return {};
    if (!same_name(ref->name_space, kVirtualizationNamespace)) return {};
    const auto id = ref->keys.find("InstanceID");
    return id == ref->keys.end() ? std::string{} : id->second;
}

std::uint32_t read_base(MethodCall& call, const Instance& settings, ExportOrder& order) {
    const std::string path = settings.at("DifferentialBackupBase").text();
    if (path.empty()) return kCompleted;
    const std::string id = key_of_path(call, path, "Msvm_VirtualSystemReferencePoint");
    if (id.empty()) return kInvalidParameter;
    order.base_point = id;
    if (call.host.faults().take("lose-reference-point", call.method)) {
        std::erase_if(call.host.model().reference_points,
                      [&](const ReferencePoint& point) { return same_name(point.id, id); });
        call.host.save();
    }
    const ReferencePoint* point = call.host.model().find_reference_point(id);
    if (const auto answer = call.host.faults().take("stale-base", call.method)) {
        const auto code = static_cast<std::uint32_t>(std::strtoul(answer->c_str(), nullptr, 0));
        if (code != 0 && code < 65536) return code;
        order.stale_answer = *answer;
    }
    const bool is_foreign = point != nullptr && !same_name(point->vm_id, order.vm_id);
    return is_foreign ? kInvalidParameter : kCompleted;
}

std::uint32_t read_excluded(MethodCall& call, const Instance& settings, const Snapshot& snapshot,
                            ExportOrder& order) {
    const Vm* vm = call.host.model().find_vm(order.vm_id);
    for (const Scalar& item : settings.at("ExcludedVirtualHardDisks").items) {
        const std::string id = to_text(item);
        const auto found = std::find_if(
            snapshot.disks.begin(), snapshot.disks.end(), [&](const FrozenDisk& frozen) {
                return same_name(id, disk_instance_id(snapshot.id, *vm, frozen.disk)) ||
                       same_name(id, disk_instance_id(vm->id, *vm, frozen.disk));
            });
        if (found == snapshot.disks.end()) return kInvalidParameter;
        order.excluded_disks.push_back(found->disk.number);
    }
    return kCompleted;
}

std::uint32_t read_settings(MethodCall& call, ExportOrder& order) {
    const EmbeddedResult parsed = parse_embedded(
        call.text("ExportSettingData"), "Msvm_VirtualSystemExportSettingData", call.host.schema());
    if (!parsed.instance) return parsed.return_value;
    const Instance& settings = *parsed.instance;
    // Other modes copy a VM, which no backup asks for.
    if (settings.at("CopySnapshotConfiguration").number() != kOneSnapshotForBackup) {
        return kNotSupported;
    }
    const std::string id = key_of_path(call, settings.at("SnapshotVirtualSystem").text(),
                                       "Msvm_VirtualSystemSettingData");
    const Snapshot* snapshot = call.host.model().find_snapshot(guid_of_settings_id(id));
    if (snapshot == nullptr || !same_name(snapshot->vm_id, order.vm_id)) return kInvalidParameter;
    order.snapshot_id = snapshot->id;
    order.has_subdirectory = settings.at("CreateVmExportSubdirectory").flag();
    const Value& copies = settings.at("CopyVmStorage");
    order.copies_storage = copies.is_null() || copies.flag();
    if (settings.at("BackupIntent").number() > 1) return kInvalidParameter;
    order.names_base = settings.at("BackupIntent").number() == 1;
    const std::uint32_t refusal = read_base(call, settings, order);
    return refusal != kCompleted ? refusal : read_excluded(call, settings, *snapshot, order);
}

}  // namespace

std::uint32_t export_system_definition(MethodCall& call) {
    const ObjectRef* system = call.ref("ComputerSystem");
    if (system == nullptr || !system->keys.contains("Name")) return kInvalidParameter;
    const Vm* vm = call.host.model().find_vm(system->keys.at("Name"));
    ExportOrder order;
    order.directory = call.text("ExportDirectory");
    if (vm == nullptr || order.directory.empty()) return kInvalidParameter;
    while (order.directory.ends_with("\\"))
        order.directory.pop_back();
    order.vm_id = vm->id;
    order.vm_name = vm->name;
    const std::uint32_t refusal = read_settings(call, order);
    if (refusal != kCompleted) return refusal;
    if (vm->busy_status != 0) return kInvalidState;
    return call.start({.type = 62,
                       .caption = "Exporting Virtual Machine",
                       .vm_id = vm->id,
                       .busy_status = 32773,
                       .work = [order](JobContext& job) { run_export(job, order); }});
}

}  // namespace entrepot::hostsim
