// What our records say about objects on a host, for those who look at hosts and do not back up.
#pragma once

#include "appliance/backup/services.h"

#include "exporter/hyperv/hyperv_host.h"
#include "storage/repository/repository.h"

#include <optional>
#include <string>
#include <vector>

namespace entrepot::backup {

/// A recovery snapshot that a job's journal names, or whose name has the id of a job of ours.
bool is_our_snapshot(state::State& state, const hyperv::Snapshot& snapshot);

/// One that appeared when a job of ours asked for one and had no answer: ours, or another
/// product's.
bool is_in_doubt(state::State& state, const hyperv::Snapshot& snapshot);

/// Ids of reference points that we made for a VM and have not destroyed, as far as we know.
std::vector<std::string> list_recorded_reference_points(const Services& services,
                                                        const std::string& host_id,
                                                        const std::string& vm_id);

/// Reference points of ours on the host that no backup counts from: all but that of the newest
/// point whose reference point the host still has.
std::vector<std::string> list_spare_reference_points(const Services& services,
                                                     const std::string& host_id,
                                                     const hyperv::Vm& vm);

/// The newest point that came from an export of this host; nullopt if none did.
std::optional<repository::PointSummary> find_newest_export(const Services& services,
                                                           const std::string& host_id);

}  // namespace entrepot::backup
