// See job_repeat.h.
#include "appliance/api/job_repeat.h"

#include "appliance/api/disk_restore.h"
#include "appliance/api/doctor.h"
#include "appliance/api/ingest_place.h"
#include "appliance/api/jobs.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::api {
namespace {

/// Where on this machine a job reads and writes: whoever was on it may have said anything.
void require_places(const Request& request, const jobs::JobRequest& job, Services& services) {
    const Json& parameters = job.parameters;
    if (job.kind == "restore_disk") {
        DiskRestore restore;
        restore.target = parameters.value("to", "");
        restore.is_local = request.user.is_local;
        require_place(services.config, restore);
    } else if (job.kind == "ingest") {
        require_ingest_place(request, parameters.value("paths", std::vector<std::string>{}),
                             services);
    } else if (job.kind == "doctor" && parameters.contains("record")) {
        require_recording_allowed(request);
    }
}

}  // namespace

Response repeat_job(const Request& request, const Router& router, Services& services) {
    const jobs::JobRequest job = services.engine.request_again(request.parameter("id"));
    const Operation* start = router.contract().find_by_job_kind(job.kind);
    if (start == nullptr) {
        throw Error{ErrorCode::unsupported,
                    fmt::format("jobs of kind {} are started by nobody", job.kind)};
    }
    if (auto refusal = router.admit_also(request, *start)) return *std::move(refusal);
    require_places(request, job, services);
    return accept_job(services, enqueue(services, job, request));
}

}  // namespace entrepot::api
