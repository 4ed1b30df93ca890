// Jobs: list, show, cancel, retry.
#include "appliance/api/jobs.h"

#include "appliance/api/encode.h"
#include "appliance/api/paging.h"
#include "appliance/api/routes.h"

#include <algorithm>

namespace entrepot::api {
namespace {

Json job_json(Services& services, const std::string& id) {
    return encode(services.engine.view(id));
}

Response list_jobs(const Request& request, Services& services) {
    state::JobQuery query;
    query.kind = request.query_value("kind");
    query.cursor = request.query_value("cursor");
    query.limit = std::min(read_page_limit(request), state::kJobPageMax);
    const std::string wanted_state = request.query_value("state");
    if (!wanted_state.empty()) query.states = {jobs::job_state_from(wanted_state)};
    const auto page = services.engine.list(query);
    Json entries = Json::array();
    for (const auto& job : page.jobs)
        entries.push_back(encode(job));
    return Response::json(encode_list("jobs", std::move(entries), page.next_cursor));
}

Response cancel_job(const Request& request, Services& services) {
    const std::string id = services.engine.view(request.parameter("id")).id;
    services.engine.cancel(id);
    return accept_job(services, id);
}

}  // namespace

Response accept_job(Services& services, const std::string& id) {
    return Response::accepted({{"job", job_json(services, id)}}, "/api/v1/jobs/" + id);
}

Response accept_jobs(Services& services, const std::vector<std::string>& ids) {
    Json entries = Json::array();
    for (const auto& id : ids)
        entries.push_back(job_json(services, id));
    return Response::accepted({{"jobs", std::move(entries)}}, "/api/v1/jobs");
}

void add_job_routes(Router& router, Services& services) {
    router.add(Method::get, "/api/v1/jobs", Privilege::viewer,
               [&](const Request& request) { return list_jobs(request, services); });
    router.add(Method::get, "/api/v1/jobs/{id}", Privilege::viewer, [&](const Request& request) {
        return Response::json(job_json(services, request.parameter("id")));
    });
    router.add(Method::post, "/api/v1/jobs/{id}/cancel", Privilege::operator_,
               [&](const Request& request) { return cancel_job(request, services); });
    router.add(Method::post, "/api/v1/jobs/{id}/retry", Privilege::operator_,
               [&](const Request& request) {
                   return accept_job(services, services.engine.retry(request.parameter("id")));
               });
}

}  // namespace entrepot::api
