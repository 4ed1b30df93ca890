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
std::vector<Instance> make_settings(Host& host);
std::vector<Instance> make_storage_settings(Host& host);
std::vector<Instance> make_resource_settings(Host& host);
std::vector<Instance> make_services(Host& host, const std::string& class_name);
std::vector<Instance> make_reference_points(Host& host);
std::vector<Instance> make_jobs(Host& host, const std::string& class_name);
std::vector<Instance> make_export_settings(Host& host);
std::vector<Instance> make_merge_settings(Host& host);
std::vector<Instance> make_vss_components(Host& host);
std::vector<Instance> make_operating_systems(Host& host);
std::vector<Instance> make_host_computers(Host& host);
std::vector<Instance> make_service_settings(Host& host);
/// The associations of one class.
std::vector<Instance> make_associations(Host& host, const std::string& class_name);

Instance make_job_instance(Host& host, const Job& job);

}  // namespace entrepot::hostsim
