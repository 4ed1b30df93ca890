// The doctor of a host: a job that looks, and the last report.
#include "appliance/api/doctor.h"

#include "appliance/api/decode.h"
#include "appliance/api/jobs.h"
#include "appliance/api/routes.h"
#include "appliance/doctor/doctor.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::api {
namespace {

Response start_doctor(const Request& request, Services& services) {
    const auto host = services.state.hosts.get(request.parameter("name"));
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const bool retries_login = reader.flag_or("retry_login", false);
    const auto record = reader.find_text("record");
    reader.finish();
    if (record) require_recording_allowed(request);
    jobs::JobRequest job;
    job.kind = "doctor";
    job.subject = "host " + host.draft.name;
    // Two at a time would show the account's secret twice as often.
    job.exclusive_key = "doctor:" + host.id;
    job.parameters = {{"host", host.id}, {"retry_login", retries_login}};
    if (record) job.parameters["record"] = *record;
    return accept_job(services, enqueue(services, job, request));
}

Response show_report(const Request& request, Services& services) {
    const auto host = services.state.hosts.get(request.parameter("name"));
    const auto report = doctor::find_last_report(services.state, host.id);
    if (!report) {
        throw Error{ErrorCode::not_found,
                    fmt::format("host {} has not been examined yet", host.draft.name),
                    "entrepot host doctor does it"};
    }
    return Response::json(*report);
}

}  // namespace

void require_recording_allowed(const Request& request) {
    if (request.user.is_local) return;
    throw Error{ErrorCode::access_denied, "a recording is asked for on the appliance itself",
                "run entrepot host doctor NAME --record DIR there"};
}

void add_doctor_routes(Router& router, Services& services) {
    router.add("startDoctor",
               [&](const Request& request) { return start_doctor(request, services); });
    router.add("getDoctorReport",
               [&](const Request& request) { return show_report(request, services); });
}

}  // namespace entrepot::api
