// entrepot image read.
#pragma once

#include "appliance/ctl/command.h"

namespace entrepot::ctl {

void add_image_read_command(CLI::App& group, Action& chosen);

}  // namespace entrepot::ctl
