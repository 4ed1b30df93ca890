// What becomes of a network adapter: a copy of a machine must not meet its original by accident.
#pragma once

#include "appliance/restore/restore_request.h"

#include "exporter/hyperv/vm_hardware.h"

#include <optional>
#include <string>
#include <vector>

namespace entrepot::restore {

struct NetworkChoice {
    std::optional<hyperv::VirtualSwitch> network;  ///< nullopt: disconnected.
    std::string problem;                           ///< Why it is not as wished; empty otherwise.
};

/// `switch_name` is what the adapter was on; empty: on none, or not known.
NetworkChoice choose_network(const RestoreRequest& request, const std::string& switch_name,
                             const std::vector<hyperv::VirtualSwitch>& switches);

/// A host's switch by name, letters in any case.
std::optional<hyperv::VirtualSwitch> find_switch(const std::vector<hyperv::VirtualSwitch>& switches,
                                                 const std::string& name);

/// Whether adapters keep their addresses.
bool keeps_addresses(const RestoreRequest& request);

}  // namespace entrepot::restore
