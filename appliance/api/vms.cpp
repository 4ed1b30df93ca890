// All VMs as they are known without asking the hosts: what a morning's glance needs.
#include "appliance/api/decode.h"
#include "appliance/api/encode.h"
#include "appliance/api/inventory.h"
#include "appliance/api/paging.h"
#include "appliance/api/routes.h"
#include "appliance/backup/comparison_report.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

namespace entrepot::api {
namespace {

using VmKey = std::pair<std::string, std::string>;  ///< Host id and VM id.

struct PolicyView {
    policy::Policy policy;
    std::optional<WallTime> next_run;
};

/// Everything that the list is made of, read once.
struct Overview {
    HostNames host_names;
    std::map<VmKey, state::VmRecord> vms;
    std::map<VmKey, std::vector<repository::PointSummary>> points;
    std::map<VmKey, jobs::JobView> last_jobs;
    std::map<VmKey, std::vector<std::string>> residue;
    std::vector<PolicyView> policies;
};

std::map<VmKey, jobs::JobView> list_last_jobs(Services& services) {
    state::JobQuery query;
    query.kind = "backup";
    query.limit = state::kJobPageMax;
    std::map<VmKey, jobs::JobView> last_jobs;
    for (const auto& job : services.engine.list(query).jobs) {
        if (!job.parameters.is_object()) continue;
        const VmKey key{job.parameters.value("host", ""), job.parameters.value("vm", "")};
        last_jobs.emplace(key, job);  // Newest first: the first one stays.
    }
    return last_jobs;
}

std::vector<PolicyView> list_policies(Services& services) {
    std::vector<PolicyView> views;
    const auto zone = services.zones.get(services.config.time_zone);
    for (const auto& record : services.state.policies.list()) {
        PolicyView view{policy::Policy::from_json(record.definition, services.zones), {}};
        if (!view.policy.is_enabled) continue;
        view.next_run = policy::CalendarExpression::parse(view.policy.calendar, services.zones)
                            .next_after(services.clock.wall_now(), *zone);
        views.push_back(std::move(view));
    }
    return views;
}

Overview read_overview(Services& services) {
    Overview overview{HostNames{services.state}, {}, {}, {}, {}, {}};
    for (auto& vm : services.state.vms.list())
        overview.vms.emplace(VmKey{vm.host_id, vm.vm_id}, vm);
    for (auto& point : services.repository().list_points({})) {
        const VmKey key{point.draft.host, point.draft.vm_id};
        auto& vm = overview.vms[key];
        if (vm.vm_id.empty()) {
            vm = {key.first,      key.second, point.draft.vm_name, "unknown", Json::array(),
                  Json::object(), {}};
        }
        overview.points[key].push_back(std::move(point));
    }
    for (const auto& residue : services.state.residue.list())
        overview.residue[{residue.host_id, residue.vm_id}].push_back(residue.text);
    overview.last_jobs = list_last_jobs(services);
    overview.policies = list_policies(services);
    return overview;
}

Json encode_last_point(const repository::PointSummary& point, const HostNames& hosts) {
    Json json = encode(point, hosts);
    return Json{{"id", json["id"]},
                {"time", json["time"]},
                {"kind", json["kind"]},
                {"consistency", json["consistency"]},
                {"verified", json["verified"]},
                {"has_known_damage", json["has_known_damage"]}};
}

Json encode_last_job(const jobs::JobView& job) {
    Json json = encode(job);
    return Json{{"id", json["id"]},           {"kind", json["kind"]},   {"state", json["state"]},
                {"created", json["created"]}, {"ended", json["ended"]}, {"error", json["error"]}};
}

Json list_problems(const VmKey& key, const Overview& overview) {
    Json problems = Json::array();
    const auto job = overview.last_jobs.find(key);
    if (job != overview.last_jobs.end() && job->second.state == jobs::JobState::failed) {
        const auto& error = job->second.error;
        problems.push_back("the last backup failed: " + (error ? error->message : ""));
    }
    const auto points = overview.points.find(key);
    if (points != overview.points.end() && points->second.back().has_known_damage) {
        problems.push_back("the newest recovery point is damaged");
    }
    if (points != overview.points.end()) {
        if (const auto problem = backup::find_disagreement(points->second))
            problems.push_back(*problem);
    }
    const auto residue = overview.residue.find(key);
    if (residue != overview.residue.end()) {
        for (const auto& text : residue->second)
            problems.push_back(text);
    }
    return problems;
}

void add_policies(Json& json, const state::VmRecord& vm, const std::string& host_name,
                  const Overview& overview) {
    Json names = Json::array();
    std::optional<WallTime> next_run;
    for (const auto& view : overview.policies) {
        if (vm.host_id.empty() || !view.policy.matches(host_name, vm.vm_id, vm.name)) continue;
        names.push_back(view.policy.name);
        if (view.next_run && (!next_run || *view.next_run < *next_run)) next_run = view.next_run;
    }
    json["protected"] = !names.empty();
    json["policies"] = std::move(names);
    json["next_run"] = encode_time(next_run);
}

Json encode_vm(const VmKey& key, const state::VmRecord& vm, const Overview& overview,
               Services& services) {
    const std::string host_name = overview.host_names.name_of(vm.host_id);
    Json disks = vm.disks;
    add_exclusions(disks, services.state.exclusions.list_of_vm(vm.host_id, vm.vm_id));
    Json json{{"id", vm.vm_id},
              {"name", vm.name},
              {"host", host_name},
              {"host_id", vm.host_id},
              {"state", vm.state},
              {"disks", std::move(disks)},
              {"last_point", nullptr},
              {"last_job", nullptr},
              {"newest_point_time", nullptr},
              {"points", 0},
              {"problems", list_problems(key, overview)}};
    add_policies(json, vm, host_name, overview);
    const auto points = overview.points.find(key);
    if (points != overview.points.end()) {
        json["last_point"] = encode_last_point(points->second.back(), overview.host_names);
        json["newest_point_time"] = format_time(points->second.back().time);
        json["points"] = points->second.size();
        add_sizes(json["disks"], points->second.back());
    }
    const auto job = overview.last_jobs.find(key);
    if (job != overview.last_jobs.end()) json["last_job"] = encode_last_job(job->second);
    return json;
}

Response list_vms(const Request& request, Services& services) {
    const std::size_t limit = read_page_limit(request);
    const std::string cursor = request.query_value("cursor");
    const Overview overview = read_overview(services);
    Json entries = Json::array();
    std::string next_cursor;
    for (const auto& [key, vm] : overview.vms) {
        const std::string position = key.first + "/" + key.second;
        if (!cursor.empty() && position <= cursor) continue;
        if (entries.size() == limit) break;
        entries.push_back(encode_vm(key, vm, overview, services));
        next_cursor = position;
    }
    const bool is_last = overview.vms.empty() || next_cursor.empty() ||
                         next_cursor == overview.vms.rbegin()->first.first + "/" +
                                            overview.vms.rbegin()->first.second;
    return Response::json(encode_list("vms", std::move(entries), is_last ? "" : next_cursor));
}

/// The disk's slot on the host, by number or id.
std::string find_slot(const state::VmRecord& vm, const std::string& text) {
    std::size_t number = vm.disks.size();
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    const bool is_number = parsed.ec == std::errc{} && parsed.ptr == end;
    for (const Json& disk : vm.disks) {
        const bool is_match = is_number
                                  ? disk.value("index", vm.disks.size()) == number
                                  : disk.value("id", "") == text || disk.value("slot", "") == text;
        if (is_match) return disk.value("slot", "");
    }
    throw Error{ErrorCode::not_found, fmt::format("VM {} has no disk \"{}\"", vm.name, text),
                "entrepot vm list shows its disks"};
}

Response create_exclusion(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const std::string vm_text = reader.text("vm");
    const std::string disk = reader.text("disk");
    const std::string reason = reader.text("reason");
    const std::string host = reader.text_or("host", {});
    reader.finish();
    const auto vm = find_vm(services, vm_text, host);
    const std::string slot = find_slot(vm, disk);
    services.state.exclusions.put(vm.host_id, vm.vm_id, slot, reason);
    return Response::json({{"vm", vm.vm_id},
                           {"disk", slot},
                           {"reason", reason},
                           {"created", format_time(services.clock.wall_now())}},
                          201);
}

Response delete_exclusion(const Request& request, Services& services) {
    const auto vm = find_vm(services, request.query_value("vm"), request.query_value("host"));
    services.state.exclusions.remove(vm.host_id, vm.vm_id,
                                     find_slot(vm, request.query_value("disk")));
    return Response::no_content();
}

}  // namespace

void add_vm_routes(Router& router, Services& services) {
    router.add("listVms", [&](const Request& request) { return list_vms(request, services); });
    router.add("excludeDisk",
               [&](const Request& request) { return create_exclusion(request, services); });
    router.add("includeDisk",
               [&](const Request& request) { return delete_exclusion(request, services); });
}

}  // namespace entrepot::api
