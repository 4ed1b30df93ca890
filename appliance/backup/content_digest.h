// SHA-256 of a disk as a raw image: what a restore to raw must hash to.
#pragma once

#include "appliance/backup/merged_disk.h"

#include "base/progress.h"

#include <string>

namespace entrepot::backup {

/// Hex digest of the whole logical content, holes included; ranges that say that they are zero are
/// hashed without being read.
std::string hash_content(const MergedDisk& disk, const Work& work);

}  // namespace entrepot::backup
