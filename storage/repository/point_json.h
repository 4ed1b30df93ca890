// A point as JSON: in the manifest, and in the catalog for lists.
#pragma once

#include "storage/repository/ids.h"
#include "storage/repository/map_format.h"
#include "storage/repository/repository.h"

#include "base/json.h"

#include <map>
#include <string>
#include <vector>

namespace entrepot::repository {

/// A chunk of a configuration file.
struct FileChunk {
    ShortId id;
    SlotAddress address;
    std::uint32_t length = 0;
};

struct PointFile {
    std::string name;
    std::vector<FileChunk> chunks{};  ///< A chunk of zeros has the zero id and no address.
};

struct DiskMaps {
    MapId restore;
    MapId tracking;  ///< Equals restore where there is no leaf.
    std::string tracking_root;
};

/// Everything that a manifest says.
struct PointContent {
    PointSummary summary;
    std::vector<DiskMaps> maps;  ///< One for each disk.
    std::vector<PointFile> files;
    std::string previous_point;  ///< The VM's point before this one, and its manifest's digest.
    std::string previous_digest;
};

Json to_json(const PointContent& content);
/// Throws Error{corrupt} naming the field that is missing or makes no sense.
PointContent point_content_from(const Json& json);

}  // namespace entrepot::repository
