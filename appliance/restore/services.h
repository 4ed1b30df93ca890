// What a restore needs besides what a backup needs.
#pragma once

#include "appliance/backup/services.h"

#include "exporter/hyperv/restore_host.h"

#include <functional>
#include <memory>
#include <stop_token>

namespace entrepot::restore {

/// As backup::HostConnector, for the calls of a restore.
using RestoreConnector =
    std::function<std::unique_ptr<hyperv::RestoreHost>(const state::HostRecord&, std::stop_token)>;

/// All references outlive every job.
struct Services {
    const backup::Services& base;
    RestoreConnector connect;
};

}  // namespace entrepot::restore
