// Fast commits of ext4, done in memory: inodes and their bitmap in an overlay, names and long lists
// of blocks beside it.
#pragma once

#include "storage/guest/ext_fast_commit.h"
#include "storage/guest/ext_volume.h"
#include "storage/guest/file_extents.h"
#include "storage/guest/sector_overlay.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::guest {

/// What became of a name in a folder, step by step.
struct FastName {
    std::uint32_t inode = 0;
    bool is_added = false;
};

using FastNames = std::map<std::string, std::vector<FastName>, std::less<>>;

struct ExtFastChanges {
    /// By folders and names. A folder in it may have blocks that were never written.
    std::map<std::uint32_t, FastNames> folders;
    /// Of files that lie in more pieces than their inode has room for.
    std::map<std::uint32_t, std::vector<FileExtent>> extents;

    /// What the name means then, if it meant `inode`, or nothing.
    static std::optional<std::uint32_t> follow(const std::vector<FastName>& steps,
                                               std::optional<std::uint32_t> inode);
};

/// Requires that the volume is as the whole transactions left it. Error{corrupt},
/// Error{unsupported} or Error{limit}: the overlay is of no use then.
ExtFastChanges replay_fast_commits(SectorOverlay& volume, const ExtGeometry& geometry,
                                   const std::vector<FastChange>& changes);

}  // namespace entrepot::guest
