// What a retention rule would do to the points that there are, before anybody asks for it.
#include "appliance/api/decode.h"
#include "appliance/api/encode.h"
#include "appliance/api/routes.h"

#include "storage/repository/retention.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace entrepot::api {
namespace {

using repository::PointSummary;

repository::RetentionRule to_retention_rule(const policy::KeepRule& rule) {
    return {.keep_last = rule.last,
            .keep_hourly = rule.hourly,
            .keep_daily = rule.daily,
            .keep_weekly = rule.weekly,
            .keep_monthly = rule.monthly,
            .keep_yearly = rule.yearly};
}

/// The points of one VM. Error{conflict} where the text names those of several.
std::vector<PointSummary> list_points_of_one(const std::string& vm,
                                             const std::optional<std::string>& host,
                                             Services& services) {
    const HostNames hosts{services.state};
    auto points = services.repository().list_points({.vm = vm});
    if (host) {
        std::erase_if(points, [id = hosts.id_of(*host)](const PointSummary& point) {
            return point.draft.host != id;
        });
    }
    for (const PointSummary& point : points) {
        const repository::PointDraft& first = points.front().draft;
        if (point.draft.host == first.host && point.draft.vm_id == first.vm_id) continue;
        throw Error{ErrorCode::conflict,
                    fmt::format("\"{}\" is {} on {} and {} on {}", vm, first.vm_id,
                                hosts.name_of(first.host), point.draft.vm_id,
                                hosts.name_of(point.draft.host)),
                    "Give the VM's GUID, and its host beside it."};
    }
    return points;
}

Json encode_plan(const repository::RetentionPlan& plan, const std::vector<PointSummary>& points) {
    std::unordered_map<std::string, std::uint64_t> added;
    for (const PointSummary& point : points)
        added.emplace(point.id, point.unique_bytes);
    Json kept = Json::array();
    for (const repository::KeptPoint& point : plan.kept)
        kept.push_back({{"point", point.id}, {"because", point.because}});
    std::uint64_t removed_bytes = 0;
    for (const std::string& id : plan.removed)
        removed_bytes += added.at(id);
    return {{"kept", std::move(kept)},
            {"removed", plan.removed},
            {"removed_unique_bytes", removed_bytes}};
}

Response preview_retention(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const std::string vm = reader.text("vm");
    const auto host = reader.find_text("host");
    const auto rule = policy::KeepRule::from_json(reader.object_or_empty("rule"));
    reader.finish();
    if (rule.is_empty()) {
        throw Error{ErrorCode::usage, "a rule without a number would keep nothing",
                    "Say how many points to keep: at least one number above zero."};
    }
    const auto points = list_points_of_one(vm, host, services);
    const repository::TimeState time = services.repository().time_state();
    std::vector<repository::RetentionPoint> seen;
    for (const PointSummary& point : points)
        seen.push_back(repository::seen_by_retention(point, time));
    const auto zone = services.zones.get(services.config.time_zone);
    Json answer = encode_plan(
        repository::plan_retention(seen, to_retention_rule(rule), time.now, *zone), points);
    answer["time_zone"] = services.config.time_zone;
    return Response::json(answer);
}

}  // namespace

void add_retention_routes(Router& router, Services& services) {
    router.add("previewRetention",
               [&](const Request& request) { return preview_retention(request, services); });
}

}  // namespace entrepot::api
