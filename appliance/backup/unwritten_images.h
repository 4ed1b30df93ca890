// Images of an export that say they hold what nobody wrote into their files (F-SH-04).
#pragma once

#include "appliance/backup/exported_disk.h"

#include "base/file_system.h"

#include <filesystem>
#include <string>
#include <vector>

namespace entrepot::backup {

/// Throws Error{corrupt} where the end of an image was never written, which is how a file looks
/// whose server or host went down over it. Adds a warning for such blocks elsewhere, and for all of
/// them on a file system that gives zeros no space: there they may be zeros that were written.
/// `folder` is one that nobody else writes to.
void check_images_are_written(FileSystem& file_system, const std::filesystem::path& folder,
                              const ExportedDisk& disk, std::vector<std::string>& warnings);

}  // namespace entrepot::backup
