// Which files a restored VM consists of, and what they are called: the tree of an export (reference
// of the host, 7.1) with whole disks. Names of hosts are data; what becomes a path is made here.
#pragma once

#include "storage/repository/repository.h"

#include "base/guid.h"
#include "base/json.h"
#include "base/random.h"

#include <cstdint>
#include <string>
#include <vector>

namespace entrepot::restore {

struct PlacedDisk {
    std::uint32_t index = 0;  ///< In the point.
    std::string file_name;    ///< In "Virtual Hard Disks".
    Guid virtual_disk_id;
    std::uint64_t size_bytes = 0;
    std::string name;     ///< In the point, for people and for matching.
    std::string slot_id;  ///< On the host at the backup; may be empty.
    std::string place;    ///< As backup::place_of(); empty for points of before.
};

struct PlacedFile {
    std::string name_in_point;
    std::string file_name;  ///< In "Virtual Machines".
};

struct Layout {
    std::vector<PlacedDisk> disks;
    std::vector<PlacedFile> files;
    std::string definition;             ///< The .vmcx among the files.
    std::vector<std::string> left_out;  ///< Files of the point that belong to no definition.
};

inline constexpr const char* kDiskFolder = "Virtual Hard Disks";
inline constexpr const char* kFileFolder = "Virtual Machines";
/// A tiny disk in the run's folder: whether a host can read the folder, and whether a copy of it is
/// complete, is told by opening it.
inline constexpr const char* kMarkerName = "entrepot-complete.vhdx";

/// Throws Error{unsupported} for a point without exactly one definition: it was made from disks
/// alone.
Layout plan_layout(const repository::PointSummary& point,
                   const std::vector<std::string>& file_names, Random& random);

Json to_json(const Layout& layout);
Layout layout_from(const Json& json);

}  // namespace entrepot::restore
