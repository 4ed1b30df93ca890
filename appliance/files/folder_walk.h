// Everything below a folder of a guest, one entry after the other, in flat memory.
#pragma once

#include "appliance/files/disk_files.h"

#include "base/error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::files {

/// Whether an error is about one file or folder, so that others may still be read: damage, what
/// cannot be given, a reader that died. Anything else is about the repository or about us.
bool is_of_one_file(const Error& error);

struct WalkStep {
    std::string path;  ///< "/folder/file"; the walk's own folder where that itself cannot be read.
    guest::FileEntry entry;
    /// Set where the names in a folder cannot be read, or not all: why. `entry` is the folder then,
    /// by its name and kind alone.
    std::string failure{};
};

/// Depth first, each folder in the order of its names, a folder before what is in it. Links are
/// never followed. For one thread.
class FolderWalk {
public:
    /// The disk outlives it.
    FolderWalk(DiskFiles& disk, std::uint32_t volume, std::string path);
    /// Of the folder at `path` only these entries, in their order, and what is below them.
    FolderWalk(DiskFiles& disk, std::uint32_t volume, std::string path,
               std::vector<guest::FileEntry> chosen);

    /// nullopt at the end. Throws what is not about one folder.
    std::optional<WalkStep> next();

private:
    struct Level {
        std::string path;
        std::string after{};  ///< The last name that was given.
        std::vector<guest::FileEntry> entries{};
        std::size_t position = 0;
        std::size_t bytes = 0;
        bool has_more = true;
        bool is_chosen = false;  ///< The entries cannot be listed again.
    };

    std::optional<WalkStep> load(Level& level);
    std::optional<WalkStep> enter(const WalkStep& folder);
    void forget_oldest();

    DiskFiles& disk_;
    std::uint32_t volume_;
    std::vector<Level> levels_;
    std::size_t bytes_ = 0;           ///< Of the entries that wait.
    std::optional<WalkStep> folder_;  ///< Given last, and to be entered next.
};

}  // namespace entrepot::files
