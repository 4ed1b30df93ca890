// Where nothing is left to choose, nobody is asked.
#include "appliance/ctl/files_place.h"

#include "appliance/ctl/format.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace entrepot::ctl {
namespace {

constexpr std::size_t kPartsMax = 3;

bool is_number(const std::string& text) {
    return !text.empty() && text.size() <= 6 &&
           std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<std::string> split_from_behind(std::string text) {
    std::vector<std::string> parts;
    for (std::size_t colon = text.rfind(':');
         colon != std::string::npos && parts.size() + 1 < kPartsMax; colon = text.rfind(':')) {
        parts.insert(parts.begin(), text.substr(colon + 1));
        text.resize(colon);
    }
    parts.insert(parts.begin(), text);
    return parts;
}

std::string name_of(const std::string& disk, const Json& volume) {
    std::string words =
        fmt::format("{}:{} ({}", disk, number_of(volume, "number"), text_of(volume, "content"));
    if (!text_of(volume, "label").empty()) words += " " + text_of(volume, "label");
    return words + ")";
}

}  // namespace

FilesPlace parse_files_place(const std::string& text) {
    const auto parts = split_from_behind(text);
    FilesPlace place{parts[0], {}, {}};
    if (parts.size() > 1) place.disk = parts[1];
    if (parts.size() > 2) place.volume = parts[2];
    const bool is_whole = !place.point.empty() && (!place.disk || !place.disk->empty()) &&
                          (!place.volume || is_number(*place.volume));
    if (is_whole) return place;
    throw Error{ErrorCode::usage, fmt::format("\"{}\" is not POINT[:DISK[:PARTITION]]", text),
                "for example web01@latest, web01@latest:0 or web01@latest:0:2"};
}

std::string volumes_path(const std::string& point, const std::string& disk) {
    return api_path("points", point, "disks/" + api::encode_percent(disk) + "/volumes");
}

std::string volume_path(const std::string& point, const std::string& disk,
                        const std::string& volume, const std::string& action) {
    return volumes_path(point, disk) + "/" + api::encode_percent(volume) + "/" + action;
}

Json read_volumes(Context& context, const FilesPlace& place) {
    const Json point = context.get(api_path("points", place.point));
    const std::string id = text_of(point, "id");
    std::vector<std::string> disks;
    if (place.disk) {
        disks.push_back(*place.disk);
    } else {
        for (const Json& disk : list_of(point, "disks"))
            disks.push_back(std::to_string(number_of(disk, "index")));
    }
    Json all = Json::array();
    for (const std::string& disk : disks)
        all.push_back(context.get(volumes_path(id, disk)));
    return all;
}

FoundVolume find_volume(Context& context, const FilesPlace& place) {
    if (place.disk && place.volume) {
        const Json point = context.get(api_path("points", place.point));
        return {text_of(point, "id"), *place.disk, *place.volume};
    }
    std::vector<FoundVolume> readable;
    std::string choice;
    for (const Json& disk : read_volumes(context, place)) {
        const std::string number = std::to_string(number_of(disk, "disk"));
        for (const Json& volume : list_of(disk, "volumes")) {
            if (!volume.value("is_readable", false)) continue;
            readable.push_back(
                {text_of(disk, "point"), number, std::to_string(number_of(volume, "number"))});
            choice += (choice.empty() ? "" : ", ") + name_of(number, volume);
        }
    }
    if (readable.size() == 1) return readable.front();
    if (readable.empty()) {
        throw Error{ErrorCode::unsupported, "no partition has files that can be read",
                    fmt::format("entrepot files list {} says why", place.point)};
    }
    throw Error{ErrorCode::usage, "several partitions have files: " + choice,
                fmt::format("name one, for example {}:{}:{}", place.point, readable.front().disk,
                            readable.front().volume)};
}

}  // namespace entrepot::ctl
