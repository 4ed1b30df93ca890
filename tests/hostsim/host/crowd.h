// Very many VMs and checkpoints without content: what an inventory of a large host meets.
#pragma once

namespace entrepot::hostsim {

class Host;

/// Adds the VMs of the configuration's `crowd` that are not there yet, with their checkpoints.
void add_crowd(Host& host);

}  // namespace entrepot::hostsim
