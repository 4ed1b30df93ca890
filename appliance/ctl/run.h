// One invocation of the command line.
#pragma once

#include "appliance/ctl/context.h"

#include <string>
#include <vector>

namespace entrepot::ctl {

/// Parses, runs, prints what went wrong; returns the exit status. Arguments without the program's
/// name.
int run(const std::vector<std::string>& arguments, const Surroundings& surroundings);

}  // namespace entrepot::ctl
