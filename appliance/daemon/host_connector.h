// From what the database knows of a host to a connection to it.
#pragma once

#include "appliance/state/hosts.h"
#include "exporter/hyperv/hyperv_host.h"

#include "base/secret.h"

namespace entrepot::daemon {

/// `secret` is what the host's record calls secret_kind. Throws Error{invalid} for an
/// authentication that we do not know.
hyperv::Connection make_connection(const state::HostRecord& host, const Secret& secret);

}  // namespace entrepot::daemon
