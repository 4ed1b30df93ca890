// POINT[:DISK[:PARTITION]] as people write it, and what it leads to.
#pragma once

#include "appliance/ctl/context.h"

#include "base/json.h"

#include <cstdint>
#include <optional>
#include <string>

namespace entrepot::ctl {

struct FilesPlace {
    std::string point;
    std::optional<std::string> disk;
    std::optional<std::string> volume;
};

/// A point's name may have colons itself: only the last two parts are taken for a disk and a
/// partition. Error{usage}.
FilesPlace parse_files_place(const std::string& text);

/// "/api/v1/points/ID/disks/N/volumes[/NUMBER/action]"
std::string volumes_path(const std::string& point, const std::string& disk);
std::string volume_path(const std::string& point, const std::string& disk,
                        const std::string& volume, const std::string& action);

/// Each disk of the point, or the one named, with its "volumes".
Json read_volumes(Context& context, const FilesPlace& place);

/// The volume that is meant: the one named, or the only one whose files can be read. Error{usage}
/// with the choice where there are more, Error{unsupported} with the reason where it cannot be
/// read.
struct FoundVolume {
    std::string point;
    std::string disk;
    std::string volume;
};
FoundVolume find_volume(Context& context, const FilesPlace& place);

}  // namespace entrepot::ctl
