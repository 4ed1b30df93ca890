// VMs of a host: as JSON for people, and as the state database remembers them.
#pragma once

#include "appliance/api/services.h"

#include "base/error.h"
#include "base/json.h"

#include <map>
#include <string>
#include <vector>

namespace entrepot::api {

/// The points of a host's VMs, by the VM's GUID in upper case. Empty while the repository is
/// locked.
using PointsByVm = std::map<std::string, std::shared_ptr<const VmPoints>>;
PointsByVm read_points_of_host(Services& services, const std::string& host_id);

/// A VM as the host answered just now.
Json encode_live_vm(const hyperv::Vm& vm, const state::HostRecord& host, const PointsByVm& points,
                    Services& services);

/// Hosts do not tell sizes in a list; the newest point knows those of the disks it holds.
void add_sizes(Json& disks, const repository::PointSummary& newest);

/// Sets "excluded" of each disk to the reason, or to an empty text.
void add_exclusions(Json& disks, const std::vector<state::Exclusion>& exclusions);

/// Stores what the host answered, for lists that do not ask it.
void remember_inventory(const HostInventory& inventory, const state::HostRecord& host,
                        state::State& state, Clock& clock);

/// When a host last answered, and what went wrong since; null where there is nothing.
struct Contact {
    Json time;
    Json error;
};
Contact read_contact(Services& services, const std::string& host_id);
/// Remembers a success for nullptr, else the failure.
void remember_contact(state::State& state, Clock& clock, const std::string& host_id,
                      const Error* error);

/// A VM by name or GUID, with its host. Asks the hosts once if nothing is known of it yet.
/// `host` empty: any. Error{not_found}, Error{invalid} for a name that is not unique.
state::VmRecord find_vm(Services& services, const std::string& text, const std::string& host);

/// Asks all hosts, or one, for their VMs. Throws only if none answered.
void refresh_hosts(Services& services, const std::string& host);

}  // namespace entrepot::api
