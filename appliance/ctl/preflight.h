// What a restore would meet, as a person reads it.
#pragma once

#include "appliance/ctl/context.h"

#include "base/json.h"

#include <ostream>

namespace entrepot::ctl {

/// The checks of a preflight with what to do, and whether the restore can start.
void print_checks(std::ostream& out, const Json& preflight);

/// failed where it cannot start.
ExitStatus status_of_preflight(const Json& preflight);

}  // namespace entrepot::ctl
