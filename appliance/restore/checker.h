// The preflight for people: asked before a restore, as often as they like.
#pragma once

#include "appliance/restore/restore_request.h"
#include "appliance/restore/services.h"
#include "appliance/restore/target.h"

#include "base/json.h"

#include <mutex>
#include <stop_token>
#include <vector>

namespace entrepot::restore {

struct Check;

/// Safe to share between threads.
class Checker {
public:
    explicit Checker(const Services& services) : services_(services) {}

    /// Asks host and share what a restore would meet. Changes nothing but for a marker that comes
    /// and goes in the share: {"can_start", "checks", "name", "keep_id", "target", "adapters",
    /// "disks", "switches", "bytes_needed"}. Throws for a host that does not answer, and for a
    /// path, host or point that there is not; everything else is a check.
    Json check(const RestoreRequest& request, std::stop_token stop);

private:
    void look_at_target(const state::HostRecord& host, hyperv::RestoreHost& importer,
                        Target& target, std::vector<Check>& checks);

    const Services& services_;
    std::mutex mutex_;  ///< Guards the marker's folder.
};

}  // namespace entrepot::restore
