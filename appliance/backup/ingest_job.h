// The job "ingest": a recovery point from images that already lie on disk; no host vouches.
#pragma once

#include "appliance/backup/services.h"
#include "appliance/jobs/job.h"

namespace entrepot::backup {

/// Parameters: {"paths": [directory or image...], "vm": text, "base": point or absent, "sha256"}.
jobs::JobOutcome run_ingest(const Services& services, jobs::JobContext& job);

}  // namespace entrepot::backup
