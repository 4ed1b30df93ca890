// Recovery points: list, show, delete, protect, hold.
#include "appliance/api/decode.h"
#include "appliance/api/encode.h"
#include "appliance/api/paging.h"
#include "appliance/api/routes.h"

#include "base/error.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace entrepot::api {
namespace {

/// The newest first. Points of a host are looked for page by page: those of others may lie between.
std::vector<repository::PointSummary> read_newest(repository::Repository& repository,
                                                  repository::PointFilter filter,
                                                  const std::optional<std::string>& host_id,
                                                  std::size_t count) {
    std::vector<repository::PointSummary> found;
    filter.newest_max = count;
    while (found.size() < count) {
        auto page = repository.list_points(filter);
        const bool is_last = page.size() < filter.newest_max;
        if (!page.empty()) filter.before_sequence = page.front().sequence;
        for (auto point = page.rbegin(); point != page.rend() && found.size() < count; ++point) {
            if (!host_id || point->draft.host == *host_id) found.push_back(std::move(*point));
        }
        if (is_last) break;
    }
    return found;
}

Response list_points(const Request& request, Services& services) {
    const Page page = read_page(request);
    const HostNames hosts{services.state};
    const auto host = request.query.find("host");
    const bool is_of_any_host = host == request.query.end();
    repository::PointFilter filter{.vm = request.query_value("vm"), .before_sequence = page.before};
    std::optional<std::string> host_id;
    if (!is_of_any_host) host_id = hosts.id_of(host->second);
    // One more tells whether there is another page.
    const auto points =
        read_newest(services.repository(), filter, host_id, std::size_t{page.limit} + 1);
    Json entries = Json::array();
    std::string next_cursor;
    for (const auto& point : points) {
        if (entries.size() == page.limit) {
            next_cursor = std::to_string(entries.back()["sequence"].get<std::uint64_t>());
            break;
        }
        entries.push_back(encode(point, hosts));
    }
    return Response::json(encode_list("points", std::move(entries), next_cursor));
}

repository::PointSummary find_point(const Request& request, Services& services) {
    return services.repository().find_point(request.parameter("id"));
}

Response show_point(const std::string& id, Services& services) {
    return Response::json(encode(services.repository().find_point(id), HostNames{services.state}));
}

Response protect_point(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const auto until = reader.find_time("until");
    reader.finish();
    if (!until) throw Error{ErrorCode::invalid, "field \"until\" is missing"};
    const auto point = find_point(request, services);
    services.log.info(
        "point protected",
        {{"point", point.id}, {"until", format_time(*until)}, {"by", request.user.name}});
    services.repository().protect_point(point.id, *until);
    return show_point(point.id, services);
}

Response hold_point(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const std::string reason = reader.text("reason");
    reader.finish();
    const auto point = find_point(request, services);
    services.log.info("point held",
                      {{"point", point.id}, {"reason", reason}, {"by", request.user.name}});
    services.repository().hold_point(point.id, reason);
    return show_point(point.id, services);
}

Response release_point(const Request& request, Services& services) {
    const auto point = find_point(request, services);
    services.log.info(
        "point released",
        {{"point", point.id}, {"was_held_for", point.hold_reason}, {"by", request.user.name}});
    services.repository().release_point(point.id);
    return show_point(point.id, services);
}

Response delete_point(const Request& request, Services& services) {
    const auto point = find_point(request, services);
    services.make_room();
    services.log.info("point is being deleted", {{"point", point.id}, {"by", request.user.name}});
    services.delete_point(point);
    return Response::no_content();
}

}  // namespace

void add_point_routes(Router& router, Services& services) {
    router.add("listPoints",
               [&](const Request& request) { return list_points(request, services); });
    router.add("getPoint", [&](const Request& request) {
        return show_point(request.parameter("id"), services);
    });
    router.add("deletePoint",
               [&](const Request& request) { return delete_point(request, services); });
    router.add("protectPoint",
               [&](const Request& request) { return protect_point(request, services); });
    router.add("holdPoint", [&](const Request& request) { return hold_point(request, services); });
    router.add("releasePoint",
               [&](const Request& request) { return release_point(request, services); });
}

}  // namespace entrepot::api
