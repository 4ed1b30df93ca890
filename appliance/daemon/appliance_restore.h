// An appliance made again from a repository: what to do when the machine died and the backups did
// not.
#pragma once

#include "appliance/daemon/appliance.h"

#include <cstdint>
#include <optional>
#include <string>

namespace entrepot::daemon {

struct RestoredAppliance {
    std::string repository_id;
    std::uint64_t points = 0;
    /// nullopt: the repository had none; hosts, shares and policies must be added again.
    std::optional<repository::StateCopy> copy;
    std::uint64_t hosts = 0;
    std::uint64_t policies = 0;
    std::uint64_t ended_jobs = 0;  ///< They were under way when the copy was made.
};

/// Makes the state database in the data directory from the newest copy that can be read, or from
/// the one named, in the repository that is already at its configured place. Error{already_exists}
/// if there is an appliance, else as Repository::open.
RestoredAppliance restore_appliance(const World& world, const config::Config& config,
                                    const KeyReader& read_key, const std::string& copy_name);

}  // namespace entrepot::daemon
