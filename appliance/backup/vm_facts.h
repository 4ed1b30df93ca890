// What a point remembers of its VM besides disks: what a restore tells, and asks, before it begins.
// The configuration file holds it all, but only Hyper-V reads that.
#pragma once

#include "appliance/backup/host_run.h"

#include "exporter/hyperv/hyperv_host.h"

#include "base/json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::backup {

struct AdapterFacts {
    std::string name;
    std::string mac_address;
    bool is_mac_static = false;
    std::string switch_name;  ///< Empty: it was not connected.
};

struct VmFacts {
    bool are_known = false;  ///< False for points of before, and where the host did not tell.
    std::string version;     ///< Of the configuration: "9.0".
    std::uint32_t generation = 0;
    std::optional<bool> has_tpm;
    std::vector<AdapterFacts> adapters;
};

/// Asks the host. What it refuses to tell is no reason to have no backup.
VmFacts read_vm_facts(HostRun& run, const hyperv::Vm& vm);

Json to_json(const VmFacts& facts);
/// Of a point's host facts; takes whatever is there.
VmFacts vm_facts_from(const Json& host_facts);

}  // namespace entrepot::backup
