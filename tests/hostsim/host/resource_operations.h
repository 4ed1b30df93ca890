// Devices of a VM's settings: found by InstanceID, changed, added, removed
// (hyperv-wmi.md 2.3, 2.8).
#pragma once

#include "tests/hostsim/cim/value.h"
#include "tests/hostsim/host/host.h"

#include <optional>
#include <string>

namespace entrepot::hostsim {

enum class ResourceKind { controller, drive, medium, adapter, connection };

/// A device, as long as the model is not changed.
struct Resource {
    Vm* vm = nullptr;
    ResourceKind kind = ResourceKind::drive;
    std::size_t index = 0;  ///< Of the disk, the adapter or the SCSI controller.
};

/// Nullopt if the VM has no such device.
std::optional<Resource> find_resource(Vm& vm, const std::string& instance_id);

/// The class that a resource's settings have.
const char* class_of(ResourceKind kind);

/// Changes what may be changed. Returns false for what may not: another parent, another type, a
/// path that is none.
bool modify_resource(Host& host, const Resource& resource, const Instance& changes);

/// Adds a device to a VM and returns its InstanceID; nullopt for settings that make no device.
std::optional<std::string> add_resource(Host& host, Vm& vm, const Instance& settings);

void remove_resource(const Resource& resource);

}  // namespace entrepot::hostsim
