// The content of a disk as a map tells it, and a point's files: chunks fetched, checked, put
// together.
#pragma once

#include "storage/object/store.h"
#include "storage/repository/chunk_reader.h"
#include "storage/repository/point_json.h"
#include "storage/repository/repository.h"
#include "storage/repository/repository_keys.h"

#include <memory>
#include <string>

namespace entrepot::repository {

/// Where maps and chunks come from. All outlive the disks.
struct ChunkSource {
    object::Store& store;
    const RepositoryKeys& keys;
    ChunkReader& reader;
    std::uint32_t chunk_size_bytes = 0;
};

/// Opens the map and all its ancestors. `name` is what errors call the disk. Throws Error{corrupt}
/// if the map is of a disk of another size. See PointDisk for the rest.
std::unique_ptr<PointDisk> open_map_disk(const ChunkSource& source, std::string name,
                                         const DiskDraft& draft, const MapId& map);

/// A whole configuration file. `owner` is what errors call its point.
Bytes read_point_file(ChunkReader& reader, const std::string& owner, const PointFile& file);

}  // namespace entrepot::repository
