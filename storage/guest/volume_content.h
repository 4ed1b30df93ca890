// What is in a volume, by the signatures that each kind of content has.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/guest_model/volume.h"

#include <string>

namespace entrepot::guest {

struct Recognised {
    VolumeContent content = VolumeContent::unknown;
    std::string label;   ///< Shown text; empty where reading it takes a file system.
    std::string notice;  ///< For people; may be empty.
};

/// Reads the beginning of the volume, and of XFS and ext their journals.
Recognised recognise_content(const disk::DiskSource& volume);

}  // namespace entrepot::guest
