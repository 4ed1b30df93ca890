// A whole VM out of a point onto a host, by import; as a job with a journal (kind "restore_vm").
// After a crash it goes on, or is undone; cancelled or failed it leaves nothing behind.
#pragma once

#include "appliance/jobs/job.h"
#include "appliance/restore/services.h"

namespace entrepot::restore {

/// Parameters as to_json(RestoreRequest). The result: {"point", "vm": {"id", "name"}, "host", "to",
/// "reach", "kept_id", "started", "network", "disks", "next", "warnings", "seconds"}.
jobs::JobOutcome run_restore_vm(const Services& services, jobs::JobContext& job);

}  // namespace entrepot::restore
