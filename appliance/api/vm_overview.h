// What is known of all VMs, read once: records, points, jobs, what is left on hosts, policies.
#pragma once

#include "appliance/api/host_names.h"
#include "appliance/api/services.h"
#include "appliance/policy/calendar.h"
#include "appliance/policy/policy.h"

#include "base/json.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace entrepot::api {

struct PolicyView {
    policy::Policy policy;
    policy::CalendarExpression calendar;
    WallTime since{};  ///< Runs due before are nobody's fault.
    std::optional<WallTime> next_run;
};

/// Of each VM the newest of its sort.
using JobsOfVms = std::map<VmKey, SharedJob>;

struct VmOverview {
    HostNames host_names;
    std::map<VmKey, state::VmRecord> vms;  ///< Ids and names; see state::VmStore::list_names().
    std::map<VmKey, std::vector<state::Exclusion>> exclusions;
    VmPointsByKey points;
    JobsOfVms last_backups;
    JobsOfVms last_restores;  ///< That came to their end.
    std::map<VmKey, std::vector<state::Residue>> residue;
    std::vector<PolicyView> policies;
};

VmOverview read_vm_overview(Services& services);

/// A run that should have brought a point of the VM by now.
struct LateRun {
    WallTime due{};
    std::string policy;
};
struct Lateness {
    std::optional<LateRun> late{};
    std::optional<WallTime> changes{};  ///< When that is another if nothing comes until then.
};
Lateness find_late_run(const VmKey& key, const state::VmRecord& vm, const VmOverview& overview,
                       Services& services);

/// Sentences for people: what is not as it should be.
Json list_vm_problems(const VmKey& key, const VmOverview& overview,
                      const std::optional<LateRun>& late);

}  // namespace entrepot::api
