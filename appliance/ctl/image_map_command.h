// entrepot image map.
#pragma once

#include "appliance/ctl/command.h"

namespace entrepot::ctl {

void add_image_map_command(CLI::App& group, Action& chosen);

}  // namespace entrepot::ctl
