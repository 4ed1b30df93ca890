// Adding, changing and removing a VM's devices, planned VMs' too (hyperv-wmi.md 2.8, 6.1).
#include "tests/hostsim/disk/share_target.h"
#include "tests/hostsim/host/methods.h"
#include "tests/hostsim/host/names.h"
#include "tests/hostsim/host/planned_operations.h"
#include "tests/hostsim/host/resource_operations.h"

#include "tests/hostsim/cim/embedded.h"

#include <functional>

namespace entrepot::hostsim {
namespace {

constexpr std::uint32_t kCreated = 5;
constexpr std::uint32_t kInvalidArgument = 0x80070057;
constexpr std::uint32_t kElementNotFound = 0x80070490;
constexpr std::uint32_t kAddResource = 30;
constexpr std::uint32_t kModifyResource = 31;
constexpr std::uint32_t kRemoveResource = 32;

/// What a job does to one VM: the change is made to a copy, which replaces the VM as a whole.
using Change = std::function<std::vector<AffectedElement>(Host&, Vm&)>;

void load_new_images(JobContext& job, Vm& vm) {
    for (VmDisk& disk : vm.disks) {
        const bool is_new =
            disk.has_medium() && !disk.is_dvd && !disk.is_pass_through && disk.raw.empty();
        if (is_new) load_image(job, vm, disk);
    }
}

void change_vm(JobContext& job, const std::string& id, const Change& change) {
    Host& host = job.host();
    Vm copy;
    bool is_planned = false;
    std::vector<AffectedElement> affected;
    {
        const std::lock_guard lock{host.mutex()};
        const Vm* vm = host.model().find_owner(id);
        if (vm == nullptr) throw JobFailure{kElementNotFound, "The machine was not found."};
        is_planned = host.model().find_planned(id) != nullptr;
        copy = *vm;
        affected = change(host, copy);
    }
    try {
        if (!is_planned) load_new_images(job, copy);
    } catch (const TargetFailure& failure) {
        throw JobFailure{failure.hresult, failure.text};
    }
    {
        const std::lock_guard lock{host.mutex()};
        Vm* vm = host.model().find_owner(id);
        if (vm == nullptr) throw JobFailure{kElementNotFound, "The machine was not found."};
        vm->disks = copy.disks;
        vm->adapters = copy.adapters;
        vm->scsi_controller_count = copy.scsi_controller_count;
        vm->configured = host.now();
        host.save();
    }
    for (const AffectedElement& element : affected)
        job.affect(element.element, element.effect);
}

/// All of a call's embedded instances, each checked as WMI does.
std::uint32_t read_instances(MethodCall& call, std::vector<Instance>& instances) {
    const auto texts = call.texts.find("ResourceSettings");
    if (texts == call.texts.end()) return kInvalidParameter;
    for (const std::string& text : texts->second) {
        EmbeddedResult parsed =
            parse_embedded(text, "CIM_ResourceAllocationSettingData", call.host.schema());
        if (!parsed.instance) return parsed.return_value;
        instances.push_back(std::move(*parsed.instance));
    }
    return kCompleted;
}

/// The VM that all of these settings belong to; nullptr if they belong to none or to several.
Vm* find_owner(MethodCall& call, const std::vector<std::string>& ids) {
    Vm* owner = nullptr;
    for (const std::string& id : ids) {
        Vm* vm = call.host.model().find_owner(guid_of_settings_id(id));
        if (vm == nullptr || (owner != nullptr && owner != vm)) return nullptr;
        if (!find_resource(*vm, id)) return nullptr;
        owner = vm;
    }
    return owner;
}

std::uint32_t start_change(MethodCall& call, std::uint32_t type, const char* caption,
                           const std::string& vm_id, Change change) {
    return call.start({.type = type,
                       .caption = caption,
                       .vm_id = vm_id,
                       .work = [vm_id, kept = std::move(change)](JobContext& job) {
                           change_vm(job, vm_id, kept);
                       }});
}

}  // namespace

std::uint32_t modify_resource_settings(MethodCall& call) {
    std::vector<Instance> instances;
    const std::uint32_t refusal = read_instances(call, instances);
    if (refusal != kCompleted) return refusal;
    std::vector<std::string> ids;
    for (const Instance& instance : instances)
        ids.push_back(instance.at("InstanceID").text());
    const Vm* owner = find_owner(call, ids);
    if (owner == nullptr || owner->busy_status != 0) return kInvalidParameter;
    return start_change(call, kModifyResource, "Modifying Resources", owner->id,
                        [instances, ids](Host& host, Vm& vm) {
                            for (std::size_t i = 0; i < instances.size(); ++i) {
                                const auto resource = find_resource(vm, ids[i]);
                                if (!resource) throw JobFailure{kElementNotFound, "The device."};
                                if (modify_resource(host, *resource, instances[i])) continue;
                                throw JobFailure{kInvalidArgument, "The settings are not valid.",
                                                 kInvalidParameter};
                            }
                            return std::vector<AffectedElement>{};
                        });
}

std::uint32_t add_resource_settings(MethodCall& call) {
    std::vector<Instance> instances;
    const std::uint32_t refusal = read_instances(call, instances);
    if (refusal != kCompleted) return refusal;
    const ObjectRef* ref = call.ref("AffectedConfiguration");
    if (ref == nullptr || !ref->keys.contains("InstanceID")) return kInvalidParameter;
    const Vm* owner = call.host.model().find_owner(guid_of_settings_id(ref->keys.at("InstanceID")));
    if (owner == nullptr) return kInvalidParameter;
    return start_change(
        call, kAddResource, "Adding Resources", owner->id, [instances](Host& host, Vm& vm) {
            std::vector<AffectedElement> added;
            for (const Instance& instance : instances) {
                const auto id = add_resource(host, vm, instance);
                if (!id) {
                    throw JobFailure{kInvalidArgument, "The settings are not valid.",
                                     kInvalidParameter};
                }
                added.push_back({simple_ref(instance.class_name, *id), kCreated});
            }
            return added;
        });
}

std::uint32_t remove_resource_settings(MethodCall& call) {
    const auto refs = call.refs.find("ResourceSettings");
    if (refs == call.refs.end()) return kInvalidParameter;
    std::vector<std::string> ids;
    for (const ObjectRef& ref : refs->second) {
        const auto id = ref.keys.find("InstanceID");
        if (id == ref.keys.end()) return kInvalidParameter;
        ids.push_back(id->second);
    }
    const Vm* owner = find_owner(call, ids);
    if (owner == nullptr) return kInvalidParameter;
    return start_change(call, kRemoveResource, "Removing Resources", owner->id,
                        [ids](Host&, Vm& vm) {
                            for (const std::string& id : ids) {
                                // A drive takes its medium with it, whichever comes first.
                                if (const auto resource = find_resource(vm, id)) {
                                    remove_resource(*resource);
                                }
                            }
                            return std::vector<AffectedElement>{};
                        });
}

}  // namespace entrepot::hostsim
