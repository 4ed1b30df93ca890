// Makes the jobs of this folder known to the engine.
#pragma once

#include "appliance/jobs/job_engine.h"
#include "appliance/restore/services.h"

namespace entrepot::restore {

/// Kind: restore_vm (resumed after a crash). The services outlive the engine.
void register_handlers(jobs::JobEngine& engine, const Services& services);

}  // namespace entrepot::restore
