// What is wrong with the appliance itself, rather than with a machine or a host: for the first
// glance of the morning, for scripts and for monitoring.
#pragma once

#include "appliance/api/privilege.h"
#include "appliance/api/services.h"

#include <string>
#include <vector>

namespace entrepot::api {

/// A name that stays, a sentence with the facts, and what to do.
struct Warning {
    std::string id;  ///< "share.server-down", "job.prune-failed", ...
    bool is_bad = false;
    std::string text;
    std::string hint;
    std::string job{};  ///< The job that tells more; may be empty.
};

/// What is bad first. Of refused logins only an administrator is told. Error{locked} where the
/// repository is not open.
std::vector<Warning> list_warnings(Services& services, Privilege privilege);

}  // namespace entrepot::api
