// XFS, read by ourselves: libfsxfs, as Debian 12 has it (20201117), takes times beyond 2038 and
// large counts of extents for something else and gives wrong bytes, wrong links and wrong dates
// without a word, and cannot read files of many pieces.
#pragma once

#include "storage/guest/guest_file_system.h"

#include <memory>

namespace entrepot::guest {

/// See open_file_system().
std::unique_ptr<GuestFileSystem> open_xfs_file_system(const disk::DiskSource& volume);

}  // namespace entrepot::guest
