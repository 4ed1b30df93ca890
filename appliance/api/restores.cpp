// Getting a disk back as a file on the appliance: the preflight, and the job.
#include "appliance/api/disk_restore.h"
#include "appliance/api/jobs.h"
#include "appliance/api/routes.h"

#include <fmt/format.h>

namespace entrepot::api {
namespace {

Response check_restore(const Request& request, Services& services) {
    return Response::json(check_disk_restore(services.file_system, services.repository(),
                                             services.config,
                                             decode_disk_restore(request, services)));
}

Response create_disk_restore(const Request& request, Services& services) {
    const DiskRestore restore = decode_disk_restore(request, services);
    require_place(services.config, restore);
    const auto directory = restore.target.parent_path();
    if (!restore.is_local && !services.file_system.exists(directory)) {
        services.file_system.make_directories(directory);
    }
    jobs::JobRequest job;
    job.kind = "restore_disk";
    job.subject = fmt::format("{} disk {}", restore.point.draft.vm_name, restore.disk);
    job.parameters = {{"point", restore.point.id},
                      {"disk", restore.disk},
                      {"to", restore.target.string()},
                      {"format", restore.format}};
    return accept_job(services, enqueue(services, job, request));
}

}  // namespace

void add_restore_routes(Router& router, Services& services) {
    router.add("startDiskRestore",
               [&](const Request& request) { return create_disk_restore(request, services); });
    router.add("checkDiskRestore",
               [&](const Request& request) { return check_restore(request, services); });
}

}  // namespace entrepot::api
