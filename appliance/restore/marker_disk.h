// A small empty disk with an id of our choice: what a host opens to prove that it can read a
// folder.
#pragma once

#include "base/file_system.h"
#include "base/guid.h"
#include "base/random.h"

#include <filesystem>

namespace entrepot::restore {

/// Nothing happens if the file is there.
void write_marker_disk(FileSystem& file_system, Random& random, const Guid& id,
                       const std::filesystem::path& path);

}  // namespace entrepot::restore
