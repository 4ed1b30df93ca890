// The job "backup": one VM, eight steps, resumable after a crash at any of them.
#pragma once

#include "appliance/backup/services.h"
#include "appliance/jobs/job.h"

namespace entrepot::backup {

/// Parameters: {"host": id or name, "vm": GUID or name, "full", "full_every", "consistency",
/// "sha256"}. Run again with the same journal, it goes on where it was, or undoes. The result is
/// the document of `backup` in the public interfaces; the outcome is `partly` if the point is
/// committed and something stayed on the host. Throws jobs::Deferral while its share lacks room.
jobs::JobOutcome run_backup(const Services& services, jobs::JobContext& job);

}  // namespace entrepot::backup
