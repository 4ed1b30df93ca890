// All VMs as they are known without asking the hosts: what a morning's glance needs.
#include "appliance/api/decode.h"
#include "appliance/api/encode.h"
#include "appliance/api/inventory.h"
#include "appliance/api/paging.h"
#include "appliance/api/routes.h"
#include "appliance/api/vm_filter.h"
#include "appliance/api/vm_overview.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace entrepot::api {
namespace {

// As the whole point and the whole job have it; a thousand of those would cost more than the list.
Json encode_last_point(const repository::PointSummary& point) {
    return Json{{"id", point.id},
                {"time", format_time(point.time)},
                {"kind", repository::to_string(point.draft.kind)},
                {"consistency", repository::to_string(point.draft.consistency)},
                {"verified", encode_verification(point.verification)},
                {"has_known_damage", point.has_known_damage}};
}

Json encode_last_job(const jobs::JobView& job) {
    return Json{{"id", job.id},
                {"kind", job.kind},
                {"state", jobs::to_string(job.state)},
                {"created", format_time(job.created)},
                {"ended", encode_time(job.ended)},
                {"error", encode_error(job.error)}};
}

Json encode_restore(const jobs::JobView& job) {
    return Json{{"job", job.id},
                {"kind", job.kind},
                {"point", job.parameters.value("point", "")},
                {"ended", encode_time(job.ended)}};
}

Json encode_residue(const std::vector<state::Residue>& residue) {
    Json entries = Json::array();
    for (const auto& entry : residue) {
        entries.push_back({{"text", entry.text},
                           {"command", text_or_null(entry.command)},
                           {"since", format_time(entry.since)}});
    }
    return entries;
}

void add_policies(Json& json, const state::VmRecord& vm, const std::string& host_name,
                  const VmOverview& overview) {
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

Json encode_vm(const VmKey& key, const state::VmRecord& vm, const VmOverview& overview,
               const std::optional<LateRun>& late) {
    const std::string host_name = overview.host_names.name_of(vm.host_id);
    Json disks = vm.disks;
    const auto exclusions = overview.exclusions.find(key);
    add_exclusions(disks, exclusions == overview.exclusions.end() ? std::vector<state::Exclusion>{}
                                                                  : exclusions->second);
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
              {"late", nullptr},
              {"last_restore", nullptr},
              {"residue", Json::array()},
              {"problems", list_vm_problems(key, overview, late)}};
    if (late) json["late"] = {{"due", format_time(late->due)}, {"policy", late->policy}};
    add_policies(json, vm, host_name, overview);
    const auto points = overview.points.find(key);
    if (points != overview.points.end()) {
        json["last_point"] = encode_last_point(points->second->newest);
        json["newest_point_time"] = format_time(points->second->newest.time);
        json["points"] = points->second->count;
        add_sizes(json["disks"], points->second->newest);
    }
    const auto job = overview.last_backups.find(key);
    if (job != overview.last_backups.end()) json["last_job"] = encode_last_job(*job->second);
    const auto restore = overview.last_restores.find(key);
    if (restore != overview.last_restores.end())
        json["last_restore"] = encode_restore(*restore->second);
    const auto residue = overview.residue.find(key);
    if (residue != overview.residue.end()) json["residue"] = encode_residue(residue->second);
    return json;
}

/// Of one page: those of all VMs would be read for nothing.
void read_whole_records(const std::vector<VmKey>& keys, VmOverview& overview, Services& services) {
    if (keys.empty()) return;
    const state::VmRecord first{.host_id = keys.front().first, .vm_id = keys.front().second};
    const state::VmRecord last{.host_id = keys.back().first, .vm_id = keys.back().second};
    for (auto& vm : services.state.vms.list_range(first, last))
        overview.vms[{vm.host_id, vm.vm_id}] = std::move(vm);
}

std::optional<WallTime> earlier(std::optional<WallTime> one, std::optional<WallTime> other) {
    if (!one || !other) return one ? one : other;
    return std::min(*one, *other);
}

struct VmPage {
    std::size_t limit = 0;
    std::string cursor;  ///< As position_of(); empty: from the first.
};

struct Found {
    VmKey key;
    Lateness lateness;
};

/// What a page shows, and whether more would follow it.
struct FoundPage {
    std::vector<Found> vms;
    bool has_more = false;
    std::optional<WallTime> valid_until;
};

std::string position_of(const VmKey& key) {
    return key.first + "/" + key.second;
}

/// Looks no further than the first that fits behind the page.
FoundPage find_page(const VmFilter& filter, const VmPage& page, const VmOverview& overview,
                    Services& services) {
    FoundPage found;
    for (const auto& [key, vm] : overview.vms) {
        if (!page.cursor.empty() && position_of(key) <= page.cursor) continue;
        if (!filter.fits_record(vm)) continue;
        const bool is_full = found.vms.size() == page.limit;
        if (is_full && filter.concern == VmConcern::any) {
            found.has_more = true;
            break;
        }
        Lateness lateness = find_late_run(key, vm, overview, services);
        found.valid_until = earlier(found.valid_until, lateness.changes);
        if (!filter.fits_state(key, vm, overview, lateness)) continue;
        found.has_more = is_full;
        if (is_full) break;
        found.vms.push_back({key, std::move(lateness)});
    }
    return found;
}

MadeAnswer make_vm_list(const VmFilter& filter, const VmPage& page, Services& services) {
    VmOverview overview = read_vm_overview(services);
    const FoundPage found = find_page(filter, page, overview, services);
    std::vector<VmKey> keys;
    for (const Found& one : found.vms)
        keys.push_back(one.key);
    read_whole_records(keys, overview, services);
    MadeAnswer made;
    made.valid_until = found.valid_until;
    for (const PolicyView& policy : overview.policies)
        made.valid_until = earlier(made.valid_until, policy.next_run);
    Json entries = Json::array();
    for (const auto& [key, lateness] : found.vms)
        entries.push_back(encode_vm(key, overview.vms.at(key), overview, lateness.late));
    made.response = Response::json(encode_list(
        "vms", std::move(entries), found.has_more ? position_of(keys.back()) : std::string{}));
    return made;
}

Response list_vms(const Request& request, Services& services) {
    const VmPage page{.limit = read_page_limit(request), .cursor = request.query_value("cursor")};
    const VmFilter filter = read_vm_filter(request, services);
    const Sources sources{services.state.database().change_count(),
                          services.last_jobs->read_stamp(services.engine),
                          services.repository().list_vms()};
    const Json question = Json::array({page.limit, page.cursor, filter.question()});
    return services.vm_lists->get(dump_json(question), sources, services.clock.wall_now(),
                                  [&] { return make_vm_list(filter, page, services); });
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
