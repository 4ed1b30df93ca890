// See handlers.h.
#include "appliance/backup/handlers.h"

#include "appliance/backup/backup_job.h"
#include "appliance/backup/ingest_job.h"
#include "appliance/backup/maintenance_jobs.h"
#include "appliance/backup/restore_disk_job.h"

namespace entrepot::backup {
namespace {

using Function = jobs::JobOutcome (*)(const Services&, jobs::JobContext&);

void add(jobs::JobEngine& engine, const Services& services, const char* kind, Function function,
         jobs::AfterCrash after_crash = jobs::AfterCrash::interrupt) {
    engine.register_handler(
        kind, [&services, function](jobs::JobContext& job) { return function(services, job); },
        {after_crash});
}

}  // namespace

void register_handlers(jobs::JobEngine& engine, const Services& services) {
    add(engine, services, "backup", run_backup, jobs::AfterCrash::resume);
    add(engine, services, "ingest", run_ingest);
    add(engine, services, "restore_disk", run_restore_disk);
    add(engine, services, "verify", run_verify, jobs::AfterCrash::resume);
    add(engine, services, "prune", run_prune);
    add(engine, services, "gc", run_gc);
    add(engine, services, "catalog_rebuild", run_catalog_rebuild);
    add(engine, services, "catalog_check", run_catalog_check);
}

}  // namespace entrepot::backup
