// Freezing, releasing, converting: what snapshots and reference points do to a VM's disks.
#pragma once

#include "tests/hostsim/host/host.h"

#include <functional>
#include <string>

namespace entrepot::hostsim {

/// All of these take the host's mutex themselves and do long copies without it. `check` may throw
/// to end them; then nothing is left behind. They throw JobFailure for what the host refuses.
using CheckCancelled = std::function<void()>;

struct SnapshotRequest {
    std::string vm_id;
    SnapshotKind kind = SnapshotKind::recovery;
    std::uint32_t consistency = 2;
    std::string name;  ///< Empty: as Hyper-V names them.
    std::string created_by = "wsman";
};

/// Returns the GUID of the new snapshot.
std::string take_snapshot(Host& host, const SnapshotRequest& request, const CheckCancelled& check);

/// Removes it; the disks merge for a while.
void destroy_snapshot_object(Host& host, const std::string& id);

/// Makes a reference point of a recovery snapshot, which goes away. Returns the point's id.
std::string convert_snapshot(Host& host, const std::string& id, const std::string& created_by,
                             const CheckCancelled& check);

/// Brings the disks back to a user checkpoint. Reference points made after it become invalid.
void apply_checkpoint(Host& host, const std::string& id);

void drop_reference_point(Host& host, const std::string& id);

}  // namespace entrepot::hostsim
