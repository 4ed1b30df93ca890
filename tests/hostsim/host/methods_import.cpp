// Import, planned VMs, and a VM's end (hyperv-wmi.md 2.8, 6.1).
#include "tests/hostsim/host/definition_file.h"
#include "tests/hostsim/host/host_files.h"
#include "tests/hostsim/host/methods.h"
#include "tests/hostsim/host/names.h"
#include "tests/hostsim/host/planned_operations.h"

#include "tests/hostsim/cim/instance_xml.h"

#include <algorithm>

namespace entrepot::hostsim {
namespace {

constexpr std::uint32_t kFileNotFound = 0x80070002;

bool has_definition(const Vm& vm, const std::string& file) {
    return same_name(vm.definition_file, file);
}

/// A definition that a VM of this host lives from already.
bool is_definition_in_use(const Model& model, const std::string& file) {
    const auto uses = [&](const Vm& vm) { return has_definition(vm, file); };
    return std::any_of(model.vms.begin(), model.vms.end(), uses) ||
           std::any_of(model.planned.begin(), model.planned.end(), uses);
}

const Vm* find_planned(MethodCall& call) {
    const ObjectRef* ref = call.ref("PlannedSystem");
    if (ref == nullptr || !same_name(ref->class_name, "Msvm_PlannedComputerSystem")) return nullptr;
    const auto name = ref->keys.find("Name");
    if (name == ref->keys.end() || !ref->keys.contains("CreationClassName")) return nullptr;
    return call.host.model().find_planned(name->second);
}

Value summary_of(MethodCall& call, const Vm& vm, const std::string& file) {
    Instance summary{.class_name = "Msvm_SummaryInformation"};
    summary["InstanceID"] = settings_id(vm.id);
    summary["Name"] = vm.id;
    summary["ElementName"] = vm.name;
    summary["Caption"] = file;
    summary["Version"] = vm.version;
    summary["NumberOfProcessors"] = 2;
    summary["VirtualSystemSubType"] = "Microsoft:Hyper-V:SubType:" + std::to_string(vm.generation);
    std::vector<std::string> switches;
    for (const NetworkAdapter& adapter : vm.adapters)
        switches.push_back(adapter.switch_name);
    summary["VirtualSwitchNames"] = switches;
    if (!vm.notes.empty()) summary["Notes"] = vm.notes.front();
    const Class& declared = *call.host.schema().find(kVirtualizationNamespace, summary.class_name);
    return Scalar{object_xml(summary, declared)};
}

}  // namespace

std::uint32_t import_system_definition(MethodCall& call) {
    const std::string file = call.text("SystemDefinitionFile");
    const std::string folder = call.text("SnapshotFolder");
    if (!is_absolute_windows_path(file)) return kInvalidParameter;
    if (!folder.empty() && !is_absolute_windows_path(folder)) return kInvalidParameter;
    if (!call.has("GenerateNewSystemIdentifier")) return kInvalidParameter;
    if (is_definition_in_use(call.host.model(), file)) return kFileInUse;
    const std::string flag = call.text("GenerateNewSystemIdentifier");
    const ImportOrder order{file, same_name(flag, "true") || flag == "1"};
    return call.start({.type = 61,
                       .caption = "Importing Virtual Machine",
                       .vm_id = {},
                       .work = [order](JobContext& job) { run_import(job, order); }});
}

std::uint32_t import_snapshot_definitions(MethodCall& call) {
    const Vm* vm = find_planned(call);
    const std::string folder = call.text("SnapshotFolder");
    if (vm == nullptr || !is_absolute_windows_path(folder)) return kInvalidParameter;
    // An export for backup carries no snapshot, so there is none to be found.
    return call.start({.type = 61,
                       .caption = "Importing Checkpoints",
                       .vm_id = {},
                       .work = [folder](JobContext& job) {
                           const auto facts = HostFiles{job.host().config()}.find(folder);
                           if (facts && facts->is_directory) return;
                           throw JobFailure{kFileNotFound, "The folder was not found."};
                       }});
}

std::uint32_t validate_planned_system(MethodCall& call) {
    const Vm* vm = find_planned(call);
    if (vm == nullptr) return kInvalidParameter;
    return call.start({.type = 140,
                       .caption = "Validating Planned Virtual Machine",
                       .vm_id = vm->id,
                       .work = [id = vm->id](JobContext& job) { run_validate(job, id); }});
}

std::uint32_t realize_planned_system(MethodCall& call) {
    const Vm* vm = find_planned(call);
    if (vm == nullptr) return kInvalidParameter;
    return call.start({.type = 141,
                       .caption = "Realizing Virtual Machine",
                       .vm_id = vm->id,
                       .work = [id = vm->id](JobContext& job) { run_realize(job, id); }});
}

std::uint32_t destroy_system(MethodCall& call) {
    const ObjectRef* ref = call.ref("AffectedSystem");
    if (ref == nullptr || !ref->keys.contains("Name")) return kInvalidParameter;
    const bool is_planned = same_name(ref->class_name, "Msvm_PlannedComputerSystem");
    const std::string& id = ref->keys.at("Name");
    const Vm* vm = is_planned ? call.host.model().find_planned(id) : call.host.model().find_vm(id);
    if (vm == nullptr) return kInvalidParameter;
    if (vm->busy_status != 0 || (vm->state != "off" && vm->state != "saved")) return kInvalidState;
    return call.start(
        {.type = 3,
         .caption = "Destroying Virtual Machine",
         .vm_id = vm->id,
         .work = [id = vm->id, is_planned](JobContext& job) { run_destroy(job, id, is_planned); }});
}

std::uint32_t get_definition_file_summary_information(MethodCall& call) {
    const auto files = call.texts.find("DefinitionFiles");
    if (files == call.texts.end()) return kInvalidParameter;
    for (const std::string& file : files->second) {
        try {
            const auto source = HostFiles{call.host.config()}.open(file);
            const Vm vm = vm_from_definition(
                parse_definition_file(read_source(*source, kDefinitionBytesMax)), folder_of(file));
            call.outputs.emplace_back("SummaryInformation", summary_of(call, vm, file));
        } catch (const TargetFailure&) {
            return kFailed;
        } catch (const JobFailure&) {
            return kFailed;
        }
    }
    return kCompleted;
}

std::uint32_t get_size_of_system_files(MethodCall& call) {
    constexpr std::uint64_t kSystemFilesBytes = 40994 + 4194816 + 45092;
    const ObjectRef* ref = call.ref("Vssd");
    if (ref == nullptr || !ref->keys.contains("InstanceID")) return kInvalidParameter;
    const std::string id = guid_of_settings_id(ref->keys.at("InstanceID"));
    const bool is_known = call.host.model().find_owner(id) != nullptr ||
                          call.host.model().find_snapshot(id) != nullptr;
    if (!is_known) return kInvalidParameter;
    call.outputs.emplace_back("Size", kSystemFilesBytes);
    return kCompleted;
}

}  // namespace entrepot::hostsim
