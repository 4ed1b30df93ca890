// Answers WQL over the inventory (wsman.md sections 6, 7).
#pragma once

#include "tests/hostsim/host/inventory.h"

#include <string>
#include <vector>

namespace entrepot::hostsim {

struct QueryResult {
    std::vector<Instance> instances;
    std::vector<std::string> properties;  ///< Of a projection; empty for all.
};

/// Throws SoapFault for what Windows refuses. Call under the host's mutex.
QueryResult run_query(Host& host, const Viewer& viewer, const std::string& name_space,
                      const std::string& text);

}  // namespace entrepot::hostsim
