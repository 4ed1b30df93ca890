// Jobs: list, show, cancel, retry.
#include "appliance/api/jobs.h"

#include "appliance/api/encode.h"
#include "appliance/api/host_names.h"
#include "appliance/api/job_repeat.h"
#include "appliance/api/paging.h"
#include "appliance/api/routes.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::api {
namespace {

constexpr std::size_t kIdempotencyKeyBytesMax = 128;

bool is_visible(char c) {
    return c > ' ' && c < 0x7f;
}

Json job_json(Services& services, const std::string& id) {
    return encode(services.engine.view(id));
}

Response list_jobs(const Request& request, Services& services) {
    state::JobQuery query;
    query.kind = request.query_value("kind");
    query.cursor = request.query_value("cursor");
    query.limit = std::min(read_page_limit(request), state::kJobPageMax);
    const std::string vm = request.query_value("vm");
    if (!vm.empty()) {
        const HostNames hosts{services.state};
        query.exclusive_key =
            policy::vm_exclusive_key(hosts.id_of(request.query_value("host")), vm);
    }
    const std::string wanted_state = request.query_value("state");
    if (!wanted_state.empty()) query.states = {jobs::job_state_from(wanted_state)};
    const auto page = services.engine.list(query);
    Json entries = Json::array();
    for (const auto& job : page.jobs)
        entries.push_back(encode(job));
    return Response::json(encode_list("jobs", std::move(entries), page.next_cursor));
}

Response cancel_job(const Request& request, const Contract& contract, Services& services) {
    const jobs::JobView job = services.engine.view(request.parameter("id"));
    const Operation* start = contract.find_by_job_kind(job.kind);
    const bool may_start = start != nullptr && request.user.privilege >= start->privilege;
    if (!may_start && request.user.privilege < Privilege::operator_) {
        throw Error{ErrorCode::access_denied, "an operator ends jobs of this kind"};
    }
    services.engine.cancel(job.id);
    return accept_job(services, job.id);
}

}  // namespace

std::string read_idempotency_key(const Request& request) {
    const std::string key = request.header(kIdempotencyHeader);
    if (key.size() <= kIdempotencyKeyBytesMax && std::all_of(key.begin(), key.end(), is_visible)) {
        return key;
    }
    throw Error{ErrorCode::invalid, fmt::format("an Idempotency-Key has at most {} visible "
                                                "characters",
                                                kIdempotencyKeyBytesMax)};
}

std::string enqueue(Services& services, jobs::JobRequest job, const Request& request) {
    job.requested_by = request.user.name;
    const std::string key = read_idempotency_key(request);
    if (key.empty()) return services.engine.enqueue(job);
    // Subject and exclusive key tell the jobs of one request apart: two VMs can have one name.
    job.once_key = fmt::format("request:{}:{}:{}:{}:{}", request.user.name, key, job.kind,
                               job.subject, job.exclusive_key);
    const Json parameters = job.parameters;
    const std::string id = services.engine.enqueue(job);
    if (services.engine.view(id).parameters == parameters) return id;
    throw Error{ErrorCode::conflict, "this Idempotency-Key was used for something else",
                "take a new key for a new request"};
}

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
    router.add("listJobs", [&](const Request& request) { return list_jobs(request, services); });
    router.add("getJob", [&](const Request& request) {
        return Response::json(job_json(services, request.parameter("id")));
    });
    router.add("cancelJob", [&](const Request& request) {
        return cancel_job(request, router.contract(), services);
    });
    router.add("retryJob",
               [&](const Request& request) { return repeat_job(request, router, services); });
}

}  // namespace entrepot::api
