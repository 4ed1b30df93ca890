// What a host's files on a share count: the sizes that the host itself gave them, never what they
// occupy (P22).
#pragma once

#include "base/file_system.h"

#include <cstdint>
#include <filesystem>

namespace entrepot::share {

struct LogicalUse {
    std::uint64_t size_bytes = 0;
    std::uint64_t entry_count = 0;
    /// More entries or a deeper tree than any export has: the rest was not counted.
    bool is_beyond_limits = false;
};

/// Of all files below a folder; nothing if it is absent. What goes away meanwhile is not counted.
LogicalUse measure_logical_use(FileSystem& file_system, const std::filesystem::path& folder);

}  // namespace entrepot::share
