// The instances that a query sees, made from the model (hyperv-wmi.md sections 1-4).
#pragma once

#include "tests/hostsim/host/host.h"

#include <optional>
#include <string>
#include <vector>

namespace entrepot::hostsim {

struct Viewer {
    bool sees_virtual_machines = true;
};

/// All instances of a class and of the classes derived from it. Call under the host's mutex.
std::vector<Instance> list_instances(Host& host, const Viewer& viewer,
                                     const std::string& name_space, const std::string& class_name);

/// The instance with these keys, which must all be there and equal; nullopt if there is none.
std::optional<Instance> find_instance(Host& host, const Viewer& viewer, const ObjectRef& ref);

/// True if both name the same object.
bool same_object(const ObjectRef& a, const ObjectRef& b);

// Makers, one per family; each appends nothing else.
std::vector<Instance> make_computer_systems(Host& host);
std::vector<Instance> make_planned_systems(Host& host);
std::vector<Instance> make_settings(Host& host);
std::vector<Instance> make_switches(Host& host);
std::vector<Instance> make_switch_settings(Host& host);
std::vector<Instance> make_adapter_settings(Host& host);
std::vector<Instance> make_connection_settings(Host& host);
std::vector<Instance> make_security_settings(Host& host);
std::vector<Instance> make_storage_settings(Host& host);
std::vector<Instance> make_resource_settings(Host& host);
std::vector<Instance> make_services(Host& host, const std::string& class_name);
std::vector<Instance> make_reference_points(Host& host);
std::vector<Instance> make_jobs(Host& host, const std::string& class_name);
std::vector<Instance> make_export_settings(Host& host);
std::vector<Instance> make_merge_settings(Host& host);
/// Of one of the integration services' classes.
std::vector<Instance> make_integration_components(Host& host, const std::string& class_name);
std::vector<Instance> make_operating_systems(Host& host);
std::vector<Instance> make_host_computers(Host& host);
std::vector<Instance> make_service_settings(Host& host);
/// The associations of one class.
std::vector<Instance> make_associations(Host& host, const std::string& class_name);

/// Calls the body with each owner of settings and its disks: every VM, every planned one, every
/// snapshot.
template <typename Body>
void for_each_owner(Host& host, const Body& body) {
    for (const Vm& vm : host.model().vms)
        body(vm, vm.id, vm.disks);
    for (const Vm& vm : host.model().planned)
        body(vm, vm.id, vm.disks);
    for (const Snapshot& snapshot : host.model().snapshots) {
        const Vm* vm = host.model().find_vm(snapshot.vm_id);
        if (vm == nullptr) continue;
        std::vector<VmDisk> disks;
        for (const FrozenDisk& frozen : snapshot.disks)
            disks.push_back(frozen.disk);
        body(*vm, snapshot.id, disks);
    }
}

/// The object path of an object of one key, as a property holds it.
std::string path_of(const Host& host, const std::string& class_name, const std::string& id);

Instance make_job_instance(Host& host, Job& job);

}  // namespace entrepot::hostsim
