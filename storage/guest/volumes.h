// What volumes a disk has, and what is in each.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/guest_model/volume.h"

namespace entrepot::guest {

/// Never throws for what the disk says: a table that cannot be read is told in a notice.
VolumeTable read_volumes(const disk::DiskSource& disk);

}  // namespace entrepot::guest
