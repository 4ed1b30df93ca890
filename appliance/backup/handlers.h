// Makes the jobs of this folder known to the engine.
#pragma once

#include "appliance/backup/services.h"
#include "appliance/jobs/job_engine.h"

namespace entrepot::backup {

/// Kinds: backup (resumed after a crash), ingest, restore_disk, verify, prune, gc, catalog_rebuild,
/// catalog_check. The services outlive the engine.
void register_handlers(jobs::JobEngine& engine, const Services& services);

}  // namespace entrepot::backup
