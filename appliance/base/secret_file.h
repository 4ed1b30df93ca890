// A secret that lies in a file of its own.
#pragma once

#include "base/file_system.h"
#include "base/secret.h"

#include <filesystem>

namespace entrepot {

/// The whole content but for the line ends that editors add. Throws Error{invalid} if nothing is
/// left, Error{limit} for a file that is no secret by its size.
Secret read_secret_file(FileSystem& file_system, const std::filesystem::path& file);

}  // namespace entrepot
