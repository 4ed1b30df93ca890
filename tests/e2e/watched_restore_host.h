// A restore's host calls as events of a kill switch.
#pragma once

#include "exporter/hyperv/restore_host.h"
#include "tests/e2e/kill_switch.h"

#include <memory>

namespace entrepot::test {

/// An event before and after each call.
std::unique_ptr<hyperv::RestoreHost> watch(std::unique_ptr<hyperv::RestoreHost> host,
                                           KillSwitch& killer);

}  // namespace entrepot::test
