// Logical volumes of LVM2 that lie on one physical volume, in one piece or several.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/guest_model/volume.h"

#include <string>
#include <vector>

namespace entrepot::guest {

struct LogicalVolume {
    std::string name;                 ///< "group/volume", shown.
    std::vector<VolumePiece> pieces;  ///< Ranges of the physical volume, all inside of it.
    std::string refusal;              ///< Why it cannot be read; empty if it can.
};

/// In the order of the description. What people do not see (a mirror's legs, a pool's parts) is
/// left out. Error{corrupt}, Error{limit}, Error{unsupported} where the group cannot be read.
std::vector<LogicalVolume> read_logical_volumes(const disk::DiskSource& physical_volume);

}  // namespace entrepot::guest
