// The database over the repository: make it again, compare it.
#include "appliance/api/jobs.h"
#include "appliance/api/routes.h"

namespace entrepot::api {
namespace {

Response create_catalog_job(const Request& request, Services& services, const char* kind) {
    jobs::JobRequest job;
    job.kind = kind;
    job.subject = "repository";
    job.exclusive_key = "catalog";
    return accept_job(services, enqueue(services, job, request));
}

}  // namespace

void add_catalog_routes(Router& router, Services& services) {
    router.add("rebuildCatalog", [&](const Request& request) {
        return create_catalog_job(request, services, "catalog_rebuild");
    });
    router.add("checkCatalog", [&](const Request& request) {
        return create_catalog_job(request, services, "catalog_check");
    });
}

}  // namespace entrepot::api
