// Images of an export that say they hold what nobody wrote into their files (F-SH-04).
#pragma once

#include "appliance/backup/exported_disk.h"
#include "appliance/backup/hole_policy.h"

#include "base/file_system.h"

#include <filesystem>
#include <string>
#include <vector>

namespace entrepot::backup {

/// Throws Error{corrupt} where a block of an image was never written, which is how a file looks
/// whose server or host went down over it. On a file system that gives zeros no space it adds a
/// warning instead: there they may be zeros that were written. A warning also says that an image
/// ends in a block of zeros. `folder` is one that nobody else writes to.
void check_images_are_written(FileSystem& file_system, const std::filesystem::path& folder,
                              const ExportedDisk& disk, HolePolicy policy,
                              std::vector<std::string>& warnings);

}  // namespace entrepot::backup
