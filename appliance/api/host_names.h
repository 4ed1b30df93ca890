// What people call the hosts that our records name by id.
#pragma once

#include "appliance/state/state.h"

#include <map>
#include <string>

namespace entrepot::api {

/// Read once, for lists that name the host of each row.
class HostNames {
public:
    explicit HostNames(state::State& state);

    /// The id itself where the host was removed; empty for what came from files.
    std::string name_of(const std::string& id) const;
    /// As name_of(), the other way: the text itself where no host has that name.
    std::string id_of(const std::string& name_or_id) const;

private:
    std::map<std::string, std::string> names_;  ///< By id.
};

}  // namespace entrepot::api
