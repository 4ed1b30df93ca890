// The jobs that look after the repository: "verify", "prune", "gc", "catalog_rebuild",
// "catalog_check".
#pragma once

#include "appliance/backup/services.h"
#include "appliance/jobs/job.h"

namespace entrepot::backup {

/// {"points": [id...] or absent for all, "depth": "manifests"|"packs"|"data"}. Damage is a result,
/// not an error.
jobs::JobOutcome run_verify(const Services& services, jobs::JobContext& job);

/// {"vm", "host", "keep_last" ... "keep_yearly", "dry_run"}. Error{usage} without a rule.
jobs::JobOutcome run_prune(const Services& services, jobs::JobContext& job);

/// {"dry_run"}
jobs::JobOutcome run_gc(const Services& services, jobs::JobContext& job);

jobs::JobOutcome run_catalog_rebuild(const Services& services, jobs::JobContext& job);
jobs::JobOutcome run_catalog_check(const Services& services, jobs::JobContext& job);

/// Deletes a point. Its reference point is noted as obsolete first, so that the next run destroys
/// it where the host still has it. If no later point has one, it is shown as residue until then,
/// and the next run says why it is a full. Errors as the repository's.
void delete_point(const Services& services, const repository::PointSummary& point);

}  // namespace entrepot::backup
