// Files inside the disks of points: volumes, folders by pages, content as a stream.
#include "appliance/api/content_disposition.h"
#include "appliance/api/encode.h"
#include "appliance/api/guest_place.h"
#include "appliance/api/paging.h"
#include "appliance/api/piecewise.h"
#include "appliance/api/routes.h"

#include "storage/guest_model/name.h"

#include "base/error.h"

#include <memory>

namespace entrepot::api {
namespace {

Json text_or_none(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

Json encode_volume(const guest::Volume& volume) {
    return {{"number", volume.number},
            {"offset_bytes", volume.offset},
            {"size_bytes", volume.length},
            {"type", text_or_none(volume.type)},
            {"name", text_or_none(volume.name)},
            {"content", guest::to_string(volume.content)},
            {"label", text_or_none(volume.label)},
            {"notice", text_or_none(volume.notice)},
            {"is_readable", guest::is_readable(volume.content)},
            {"reason", text_or_none(std::string{guest::reason_unreadable(volume.content)})}};
}

Json encode_file(const guest::FileEntry& file) {
    return {{"name", file.name},
            {"kind", guest::to_string(file.kind)},
            {"size_bytes", file.size_bytes},
            {"modified", file.modified ? Json(format_time(*file.modified)) : Json(nullptr)},
            {"link_target", text_or_none(file.link_target)},
            {"refusal", text_or_none(file.refusal)}};
}

Response list_volumes(const Request& request, Services& services) {
    const files::DiskPlace place = guest_disk_of(request, services);
    const guest::VolumeTable table = services.guest_files.volumes(place);
    Json volumes = Json::array();
    for (const guest::Volume& volume : table.volumes)
        volumes.push_back(encode_volume(volume));
    Json body = encode_list("volumes", std::move(volumes), {});
    body["point"] = place.point;
    body["disk"] = place.disk;
    body["scheme"] = table.scheme;
    body["notices"] = table.notices;
    return Response::json(body);
}

Response list_files(const Request& request, Services& services) {
    const files::FilePlace place = guest_file_of(request, services);
    const std::string after = request.query_value("cursor");
    if (!after.empty() && !guest::is_shown_name(after)) {
        throw Error{ErrorCode::invalid, "the cursor is not one of ours"};
    }
    const guest::FolderPage page =
        services.guest_files.list(place, {after, read_page_limit(request)});
    Json entries = Json::array();
    for (const guest::FileEntry& file : page.entries)
        entries.push_back(encode_file(file));
    std::string next = page.has_more ? page.entries.back().name : std::string{};
    Json body = encode_list("files", std::move(entries), next);
    body["path"] = place.path;
    return Response::json(body);
}

Response show_file(const Request& request, Services& services) {
    const files::FilePlace place = guest_file_of(request, services);
    const guest::FileStatus status = services.guest_files.status(place);
    Json body = encode_file(status.entry);
    body["path"] = place.path;
    body["streams"] = Json::array();
    for (const guest::FileStream& stream : status.streams) {
        body["streams"].push_back({{"name", stream.name}, {"size_bytes", stream.size_bytes}});
    }
    return Response::json(body);
}

// The first piece is read before the head is sent: what cannot be read is still a problem document
// then.
Response download_file(const Request& request, Services& services) {
    const files::FilePlace place = guest_file_of(request, services);
    // Shared because the stream is a function that is copied.
    const std::shared_ptr<files::GuestFiles::Download> download =
        services.guest_files.download(place);
    const auto first = std::make_shared<Bytes>(download->next());
    std::string name = guest::split_path(place.path).back();
    if (!place.stream.empty()) name += "-" + place.stream;
    Response response;
    response.headers["content-type"] = "application/octet-stream";
    response.headers["content-length"] = std::to_string(download->size_bytes());
    response.headers["content-disposition"] = attachment_named(name);
    response.headers["content-security-policy"] = "default-src 'none'; sandbox";
    response.stream = [download, first](const StreamWriter& write, const std::stop_token& stop) {
        write_pieces(
            std::move(*first), [&] { return download->next(); }, write, stop);
    };
    return response;
}

}  // namespace

void add_guest_file_routes(Router& router, Services& services) {
    router.add("listGuestVolumes",
               [&](const Request& request) { return list_volumes(request, services); });
    router.add("listGuestFiles",
               [&](const Request& request) { return list_files(request, services); });
    router.add("getGuestFile",
               [&](const Request& request) { return show_file(request, services); });
    router.add("downloadGuestFile",
               [&](const Request& request) { return download_file(request, services); });
}

}  // namespace entrepot::api
