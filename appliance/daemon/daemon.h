// entrepotd: the appliance behind its two listeners.
#pragma once

#include "appliance/daemon/appliance.h"

#include <functional>
#include <ostream>
#include <string>

namespace entrepot::daemon {

/// Opens everything, serves the local socket and HTTPS, prints where on `out`, and until somebody
/// is an administrator the setup link; runs jobs and policies until `wait_for_stop` returns, then
/// ends cleanly. Throws what opening throws.
void run_daemon(const World& world, const config::Config& config, KeyReader read_key,
                std::ostream& out, const std::function<void()>& wait_for_stop);

}  // namespace entrepot::daemon
