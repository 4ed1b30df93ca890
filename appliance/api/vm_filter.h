// Which VMs a list is asked for.
#pragma once

#include "appliance/api/request.h"
#include "appliance/api/services.h"
#include "appliance/api/vm_overview.h"

#include "base/json.h"

#include <optional>
#include <string>

namespace entrepot::api {

enum class VmConcern {
    any,
    attention,    ///< Something is not as it should be: one of the others, or a problem is named.
    failed,       ///< The last backup did not come to its end.
    late,         ///< A run is overdue.
    unprotected,  ///< No policy takes it. What came from files lacks none.
};

struct VmFilter {
    std::optional<std::string> host_id;  ///< Empty: what came from files.
    std::string name_part;               ///< Folded; empty: every name.
    VmConcern concern = VmConcern::any;

    /// By what its record says alone.
    bool fits_record(const state::VmRecord& vm) const;
    /// By its state. Needs the record's names only.
    bool fits_state(const VmKey& key, const state::VmRecord& vm, const VmOverview& overview,
                    const Lateness& lateness) const;
    /// The same for the same filter, and for no other.
    Json question() const;
};

/// "host", "name" and "concern" of the query. Error{invalid}; Error{not_found} for an unknown host.
VmFilter read_vm_filter(const Request& request, Services& services);

}  // namespace entrepot::api
