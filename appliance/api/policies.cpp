// Policies: what to protect, when, how long.
#include "appliance/api/decode.h"
#include "appliance/api/encode.h"
#include "appliance/api/jobs.h"
#include "appliance/api/paging.h"
#include "appliance/api/routes.h"

#include "appliance/policy/calendar.h"

#include "base/error.h"

namespace entrepot::api {
namespace {

constexpr std::size_t kNextRunsShown = 5;
constexpr std::uint64_t kPreviewRunsMax = 50;

Json list_next_runs(const std::string& calendar, std::size_t count, Services& services) {
    const auto expression = policy::CalendarExpression::parse(calendar, services.zones);
    const auto zone = services.zones.get(services.config.time_zone);
    Json runs = Json::array();
    for (const WallTime run : expression.list_after(services.clock.wall_now(), *zone, count))
        runs.push_back(format_time(run));
    return runs;
}

std::size_t count_matching_vms(const policy::Policy& policy, Services& services) {
    std::size_t count = 0;
    for (const auto& host : services.state.hosts.list()) {
        for (const auto& vm : services.state.vms.list_of_host(host.id)) {
            if (policy.matches(host.draft.name, vm.vm_id, vm.name)) ++count;
        }
    }
    return count;
}

Json encode_last_run(const state::PolicyRecord& record, Services& services) {
    const auto runs = services.state.policies.list_runs(record.id, 1);
    if (runs.empty()) return nullptr;
    return Json{{"time", format_time(runs.front().started)},
                {"jobs", services.scheduler.list_jobs_of_run(runs.front().id)}};
}

Json encode_policy(const state::PolicyRecord& record, Services& services) {
    const auto policy = policy::Policy::from_json(record.definition, services.zones);
    Json patterns = Json::array();
    for (const auto& pattern : policy.vms)
        patterns.push_back(policy::to_string(pattern));
    return Json{{"name", record.name},
                {"vms", std::move(patterns)},
                {"calendar", policy.calendar},
                {"consistency", policy::to_string(policy.consistency)},
                {"retention", policy.keep.to_json()},
                {"full_every", policy.full_every},
                {"created", format_time(record.created)},
                {"matching_vms", count_matching_vms(policy, services)},
                {"next_runs", list_next_runs(policy.calendar, kNextRunsShown, services)},
                {"last_run", encode_last_run(record, services)}};
}

Response list_policies(const Request& request, Services& services) {
    Json entries = Json::array();
    for (const auto& record : services.state.policies.list())
        entries.push_back(encode_policy(record, services));
    return Response::json(encode_page("policies", std::move(entries), name_key, request));
}

policy::Policy decode_policy(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const Json definition{{"name", reader.text("name")},
                          {"vms", reader.texts("vms")},
                          {"calendar", reader.text("calendar")},
                          {"consistency", reader.text_or("consistency", "prefer-application")},
                          {"full_every", reader.count_or("full_every", 0, policy::kFullEveryMax)},
                          {"keep", reader.object_or_empty("retention")}};
    reader.finish();
    return policy::Policy::from_json(definition, services.zones);
}

Response create_policy(const Request& request, Services& services) {
    const auto policy = decode_policy(request, services);
    const auto record = services.state.policies.add(policy.name, policy.to_json());
    services.log.info("policy added", {{"policy", record.name}, {"by", request.user.name}});
    return Response::created(encode_policy(record, services),
                             "/api/v1/policies/" + encode_percent(record.name));
}

// Runs that were due before the change are not caught up.
Response change_policy(const Request& request, Services& services) {
    const auto record = services.state.policies.get(request.parameter("name"));
    const auto policy = decode_policy(request, services);
    services.state.policies.update(record.id, policy.name, policy.to_json());
    services.log.info("policy changed", {{"policy", policy.name}, {"by", request.user.name}});
    return Response::json(encode_policy(services.state.policies.get(record.id), services));
}

Response preview_policy(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const std::string calendar = reader.text("calendar");
    const auto count = reader.count_or("count", kNextRunsShown, kPreviewRunsMax);
    reader.finish();
    return Response::json({{"next_runs", list_next_runs(calendar, count, services)},
                           {"time_zone", services.config.time_zone}});
}

Response delete_policy(const Request& request, Services& services) {
    const auto record = services.state.policies.get(request.parameter("name"));
    services.state.policies.remove(record.id);
    services.log.info("policy removed", {{"policy", record.name}, {"by", request.user.name}});
    return Response::no_content();
}

Response run_policy(const Request& request, Services& services) {
    const std::string key = read_idempotency_key(request);
    // Another user's key is another key.
    const std::string once_key = key.empty() ? key : request.user.name + ":" + key;
    const std::string run = services.scheduler.run_now(request.parameter("name"), once_key);
    return accept_jobs(services, services.scheduler.list_jobs_of_run(run));
}

}  // namespace

void add_policy_routes(Router& router, Services& services) {
    router.add("listPolicies",
               [&](const Request& request) { return list_policies(request, services); });
    router.add("addPolicy",
               [&](const Request& request) { return create_policy(request, services); });
    router.add("previewPolicy",
               [&](const Request& request) { return preview_policy(request, services); });
    router.add("getPolicy", [&](const Request& request) {
        const auto record = services.state.policies.get(request.parameter("name"));
        return Response::json(encode_policy(record, services));
    });
    router.add("changePolicy",
               [&](const Request& request) { return change_policy(request, services); });
    router.add("removePolicy",
               [&](const Request& request) { return delete_policy(request, services); });
    router.add("runPolicy", [&](const Request& request) { return run_policy(request, services); });
}

}  // namespace entrepot::api
