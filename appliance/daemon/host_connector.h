// From what the database knows of a host to a connection to it.
#pragma once

#include "appliance/state/hosts.h"
#include "exporter/hyperv/hyperv_host.h"

#include "base/clock.h"
#include "base/secret.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace entrepot::daemon {

/// `secret` is what the host's record calls secret_kind. Throws Error{invalid} for an
/// authentication that we do not know.
hyperv::Connection make_connection(const state::HostRecord& host, const Secret& secret);

/// What all connections to one host share, by our id of the host. Safe to share between threads.
class HostGates {
public:
    explicit HostGates(Clock& clock) : clock_(clock) {}
    std::shared_ptr<wsman::HostGate> gate_of(const std::string& host_id);

private:
    Clock& clock_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<wsman::HostGate>> gates_;
};

}  // namespace entrepot::daemon
