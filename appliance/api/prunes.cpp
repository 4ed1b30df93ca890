// Retention by hand, and giving back space.
#include "appliance/api/decode.h"
#include "appliance/api/jobs.h"
#include "appliance/api/routes.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::api {
namespace {

// Side by side they would only wait for each other's sessions.
constexpr const char* kGcKey = "gc";

Response create_prune(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const auto vm = reader.find_text("vm");
    const auto rule = policy::KeepRule::from_json(reader.object_or_empty("rule"));
    const bool is_dry_run = reader.flag_or("dry_run", false);
    reader.finish();
    if (rule.is_empty()) {
        throw Error{ErrorCode::usage, "prune without a rule would keep nothing",
                    "say what to keep, for example --keep-last 7 --keep-daily 30"};
    }

    services.make_room();
    jobs::JobRequest job;
    job.kind = "prune";
    job.subject = vm ? *vm : "all VMs";
    job.parameters = rule.to_json();
    job.parameters["dry_run"] = is_dry_run;
    if (vm) job.parameters["vm"] = *vm;
    return accept_job(services, enqueue(services, job, request));
}

Response create_gc(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const bool is_dry_run = reader.flag_or("dry_run", false);
    reader.finish();

    services.make_room();
    jobs::JobRequest job;
    job.kind = "gc";
    job.subject = "repository";
    job.exclusive_key = kGcKey;
    job.parameters = {{"dry_run", is_dry_run}};
    return accept_job(services, enqueue(services, job, request));
}

}  // namespace

void add_prune_routes(Router& router, Services& services) {
    router.add("startPrune",
               [&](const Request& request) { return create_prune(request, services); });
    router.add("startGc", [&](const Request& request) { return create_gc(request, services); });
}

}  // namespace entrepot::api
