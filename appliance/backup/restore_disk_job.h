// The job "restore_disk": one disk of a recovery point into a file.
#pragma once

#include "appliance/backup/services.h"
#include "appliance/jobs/job.h"

namespace entrepot::backup {

/// Parameters: {"point": id, prefix or VM@latest, "disk": number or id, "to": file, "format"}.
/// Error{already_exists} if the file is there.
jobs::JobOutcome run_restore_disk(const Services& services, jobs::JobContext& job);

}  // namespace entrepot::backup
