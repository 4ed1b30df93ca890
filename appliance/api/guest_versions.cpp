// Where else a path is: in the other points of the VM.
#include "appliance/api/encode.h"
#include "appliance/api/guest_place.h"
#include "appliance/api/paging.h"
#include "appliance/api/routes.h"
#include "appliance/files/file_versions.h"

#include <algorithm>

namespace entrepot::api {
namespace {

Json encode_point(const files::PointMoment& point) {
    return {{"id", point.id}, {"time", format_time(point.time)}};
}

Json encode_points(const std::vector<files::PointMoment>& points) {
    Json list = Json::array();
    for (const files::PointMoment& point : points)
        list.push_back(encode_point(point));
    return list;
}

Json encode_version(const files::FileVersion& version) {
    return {{"key", version.key},
            {"kind", guest::to_string(version.entry.kind)},
            {"size_bytes", version.entry.size_bytes},
            {"modified", encode_time(version.entry.modified)},
            {"link_target", text_or_null(version.entry.link_target)},
            {"refusal", text_or_null(version.entry.refusal)},
            {"points", encode_points(version.points)}};
}

// Newest first: the order in which people look.
std::vector<repository::PointSummary> points_of_vm(repository::Repository& repository,
                                                   const repository::PointSummary& point,
                                                   const Page& page) {
    auto points =
        repository.list_points({.vm_id = point.draft.vm_id, .before_sequence = page.before});
    std::erase_if(points, [&](const repository::PointSummary& other) {
        return other.draft.host != point.draft.host || other.draft.vm_id != point.draft.vm_id;
    });
    std::ranges::reverse(points);
    return points;
}

Response list_versions(const Request& request, Services& services) {
    const files::FilePlace place = guest_file_of(request, services);
    const Page page = read_page(request);
    const auto point = services.repository().find_point(place.disk.point);
    const auto disk =
        std::ranges::find_if(point.disks, [&](const repository::DiskSummary& candidate) {
            return candidate.draft.index == place.disk.disk;
        });
    files::VersionLimits limits;
    limits.point_count_max = std::min(page.limit, limits.point_count_max);
    const files::VersionPage found = files::find_versions(
        services.guest_files, services.clock, points_of_vm(services.repository(), point, page),
        {disk->draft.id, place.volume, place.path}, limits);
    Json versions = Json::array();
    for (const files::FileVersion& version : found.versions)
        versions.push_back(encode_version(version));
    Json body = encode_list("versions", std::move(versions),
                            found.next ? std::to_string(*found.next) : std::string{});
    body["path"] = place.path;
    body["absent"] = encode_points(found.absent);
    body["unread"] = Json::array();
    for (const files::UnreadPoint& unread : found.unread) {
        Json entry = encode_point(unread.point);
        entry["reason"] = unread.reason;
        body["unread"].push_back(std::move(entry));
    }
    return Response::json(body);
}

}  // namespace

void add_guest_version_routes(Router& router, Services& services) {
    router.add("listGuestFileVersions",
               [&](const Request& request) { return list_versions(request, services); });
}

}  // namespace entrepot::api
