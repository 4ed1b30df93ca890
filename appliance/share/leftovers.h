// Run directories that no job works with any more: guest data that a crash left on a share
// (F-SH-14).
#pragma once

#include "base/file_system.h"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::share {

/// How deep the hosts' folders lie below the share's.
enum class FolderLayout {
    hosts,     ///< PATH/<host id>
    accounts,  ///< PATH/<account>/<host id>
};

struct Leftover {
    std::string host_id;  ///< Empty: it was out of the host's reach already.
    std::string run_id;
    std::filesystem::path path;
};

/// The runs' directories for which `is_dead` says so. Directories whose name is no id of ours are
/// not looked at. Error{not_found} if the share's folder itself is not there.
std::vector<Leftover> find_leftovers(FileSystem& file_system, const std::filesystem::path& root,
                                     FolderLayout layout,
                                     const std::function<bool(std::string_view run_id)>& is_dead);

/// With all that is in it. Errors as FileSystem::remove_tree.
void remove_leftover(FileSystem& file_system, const Leftover& leftover);

}  // namespace entrepot::share
