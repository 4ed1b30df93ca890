// Our objects on a host: finding them again after a crash, and taking them away. What is not proven
// to be ours is never touched.
#pragma once

#include "appliance/backup/run.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::backup {

/// What the host shows after a call whose answer we do not have.
struct Found {
    std::optional<std::string> id;      ///< Proven to be ours.
    std::vector<std::string> in_doubt;  ///< New, and maybe somebody else's.
};

/// The recovery snapshot that an attempt made: the one that its job names, the one with our name,
/// or the only new one after a job that ended well. A single new one proves nothing by itself: our
/// request may be lost, and another product's not. Waits up to `patience` for it to appear; writes
/// down what stays in doubt.
Found find_snapshot_of_attempt(Run& run, int attempt, std::chrono::seconds patience);

/// The snapshot of this run, if any exists on the host now.
Found find_our_snapshot(Run& run);

/// The reference point that converting made: the job's affected one, or the only new one while our
/// snapshot has vanished.
Found find_new_reference_point(Run& run, const std::string& snapshot_id);

bool is_snapshot_on_host(Run& run, const std::string& id);
bool is_reference_point_on_host(Run& run, const std::string& id);

/// Both look before they ask, and afterwards. Throw Error{host_failure} if it is still there.
void destroy_snapshot(Run& run, const std::string& id);
void destroy_reference_point(Run& run, const std::string& id);

/// True if our records name it: a job's journal, or a job whose id is in its name.
bool is_recorded_snapshot(Run& run, const hyperv::Snapshot& snapshot);

/// Commands to paste on the host, for what we leave to a person.
std::string remove_snapshot_command(const std::string& vm_id, const std::string& snapshot_id);
std::string show_disks_command(const std::string& vm_id);

}  // namespace entrepot::backup
