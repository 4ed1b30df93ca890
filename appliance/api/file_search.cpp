// Files of guests by name, and the indexes that this takes.
#include "appliance/search/file_search.h"
#include "appliance/api/decode.h"
#include "appliance/api/encode.h"
#include "appliance/api/jobs.h"
#include "appliance/api/paging.h"
#include "appliance/api/routes.h"
#include "appliance/search/index_jobs.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace entrepot::api {
namespace {

// By "vm" and "host" of the query; oldest first.
std::vector<repository::PointSummary> points_asked_for(const Request& request, Services& services,
                                                       const HostNames& hosts,
                                                       repository::PointFilter filter) {
    filter.vm = request.query_value("vm");
    auto points = services.repository().list_points(filter);
    const auto host = request.query.find("host");
    if (host != request.query.end()) {
        const std::string id = hosts.id_of(host->second);
        std::erase_if(points, [&](const auto& point) { return point.draft.host != id; });
    }
    return points;
}

Json encode_moment(const std::string& id, WallTime time) {
    return {{"id", id}, {"time", format_time(time)}};
}

Json encode_found(const search::FoundFile& file, const HostNames& hosts) {
    Json points = Json::array();
    for (const files::PointMoment& point : file.points)
        points.push_back(encode_moment(point.id, point.time));
    return {{"name", file.path.substr(file.path.rfind('/') + 1)},
            {"path", file.path},
            {"kind", guest::to_string(file.kind)},
            {"size_bytes", file.size_bytes},
            {"modified", encode_time(file.modified)},
            {"vm",
             {{"id", file.vm_id},
              {"name", file.vm_name},
              {"host", text_or_null(hosts.name_of(file.host))}}},
            {"disk", file.disk},
            {"volume", file.volume},
            {"points", std::move(points)}};
}

Response search_files(const Request& request, Services& services) {
    const HostNames hosts{services.state};
    search::SearchQuery query;
    query.name = request.query_value("name");
    query.count_max = read_page_limit(request);
    query.cursor = request.query_value("cursor");
    const std::string point = request.query_value("point");
    if (point.empty()) {
        query.points = points_asked_for(request, services, hosts, {});
    } else {
        query.points.push_back(services.repository().find_point(point));
    }
    const search::SearchPage page = search::search(services.file_index, services.clock, query);
    Json found = Json::array();
    for (const search::FoundFile& file : page.files)
        found.push_back(encode_found(file, hosts));
    Json body = encode_list("files", std::move(found), page.next_cursor);
    body["unindexed_points"] = page.unindexed_count;
    return Response::json(body);
}

Json encode_index(const repository::PointSummary& point, search::IndexStore& store) {
    const auto index = store.find_point(point.id);
    return {{"point", encode_moment(point.id, point.time)},
            {"vm", point.draft.vm_name},
            {"is_indexed", index.has_value()},
            {"made", index ? Json(format_time(index->made)) : Json(nullptr)},
            {"files", index ? index->file_count : 0},
            {"notes", index ? index->notes : std::vector<std::string>{}}};
}

Response list_indexes(const Request& request, Services& services) {
    const Page page = read_page(request);
    const HostNames hosts{services.state};
    auto points = points_asked_for(request, services, hosts, {.before_sequence = page.before});
    std::ranges::reverse(points);
    std::string next;
    if (points.size() > page.limit) {
        points.resize(page.limit);
        next = std::to_string(points.back().sequence);
    }
    Json indexes = Json::array();
    for (const repository::PointSummary& point : points)
        indexes.push_back(encode_index(point, services.file_index));
    return Response::json(encode_list("indexes", std::move(indexes), next));
}

Response start_index(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const std::string text = reader.text("point");
    reader.finish();
    const auto job = search::index_request(services.repository().find_point(text));
    return accept_job(services, enqueue(services, job, request));
}

}  // namespace

void add_file_search_routes(Router& router, Services& services) {
    router.add("searchGuestFiles",
               [&](const Request& request) { return search_files(request, services); });
    router.add("listFileIndexes",
               [&](const Request& request) { return list_indexes(request, services); });
    router.add("startFileIndex",
               [&](const Request& request) { return start_index(request, services); });
}

}  // namespace entrepot::api
