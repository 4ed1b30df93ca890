// See handlers.h.
#include "appliance/restore/handlers.h"

#include "appliance/restore/restore_vm_job.h"

namespace entrepot::restore {

void register_handlers(jobs::JobEngine& engine, const Services& services) {
    engine.register_handler(
        "restore_vm", [&services](jobs::JobContext& job) { return run_restore_vm(services, job); },
        {jobs::AfterCrash::resume});
}

}  // namespace entrepot::restore
