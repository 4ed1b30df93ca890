// Names are refused here as well as by the reader, before anything is started.
#include "appliance/api/guest_place.h"

#include "storage/guest_model/name.h"

#include "base/error.h"

#include <fmt/format.h>

#include <charconv>

namespace entrepot::api {

files::DiskPlace guest_disk_of(const Request& request, Services& services) {
    const auto point = services.repository().find_point(request.parameter("id"));
    const std::string& text = request.parameter("disk");
    for (const auto& disk : point.disks) {
        if (text == std::to_string(disk.draft.index) || text == disk.draft.id) {
            return {point.id, disk.draft.index};
        }
    }
    throw Error{
        ErrorCode::not_found, fmt::format("point {} has no disk '{}'", point.id, text),
        fmt::format("It has {} disks, numbered from 0; `entrepot point show {}` lists them.",
                    point.disks.size(), point.id)};
}

files::FilePlace guest_file_of(const Request& request, Services& services) {
    files::FilePlace place;
    place.disk = guest_disk_of(request, services);
    const std::string& volume = request.parameter("volume");
    const char* end = volume.data() + volume.size();
    const auto [stop, error] = std::from_chars(volume.data(), end, place.volume);
    if (error != std::errc{} || stop != end) {
        throw Error{ErrorCode::invalid, fmt::format("\"{}\" is no number of a partition", volume)};
    }
    place.path = guest::join_path(guest::split_path(request.query_value("path")));
    place.stream = request.query_value("stream");
    if (!place.stream.empty() && !guest::is_shown_name(place.stream)) {
        throw Error{ErrorCode::invalid, "this is no name of a stream"};
    }
    return place;
}

}  // namespace entrepot::api
