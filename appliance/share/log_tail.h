// The end of another program's log, fit to be shown.
#pragma once

#include "base/file_system.h"

#include <filesystem>
#include <string>
#include <vector>

namespace entrepot::share {

/// Up to limits::kLogTailLinesMax lines, the newest last; what is not plain text shows as '?'.
/// Empty if the file is absent or can't be read.
std::vector<std::string> read_log_tail(FileSystem& file_system, const std::filesystem::path& file);

}  // namespace entrepot::share
