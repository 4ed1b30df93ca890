// NTFS, FAT and ext2/3/4 through The Sleuth Kit.
#pragma once

#include "storage/guest/guest_file_system.h"

#include <memory>

namespace entrepot::guest {

/// See open_file_system().
std::unique_ptr<GuestFileSystem> open_tsk_file_system(const disk::DiskSource& volume,
                                                      VolumeContent content);

}  // namespace entrepot::guest
