// See leftovers.h.
#include "appliance/share/leftovers.h"

#include "appliance/share/unc.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::share {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTakenFolder = ".taken";

class Search {
public:
    Search(FileSystem& file_system, const std::function<bool(std::string_view)>& is_dead)
        : file_system_(file_system), is_dead_(is_dead) {}

    void look_at_hosts(const fs::path& folder) {
        for (const DirectoryEntry& host : file_system_.list(folder)) {
            if (host.type != FileType::directory || !is_path_id(host.name)) continue;
            look_at_runs(folder / host.name, host.name);
        }
    }

    void look_at_accounts(const fs::path& root) {
        for (const DirectoryEntry& account : file_system_.list(root)) {
            if (account.type != FileType::directory || account.name == kTakenFolder) continue;
            look_at_hosts(root / account.name);
        }
    }

    void look_at_taken(const fs::path& root) {
        const auto status = file_system_.find_status(root / kTakenFolder);
        if (status && status->type == FileType::directory) look_at_runs(root / kTakenFolder, {});
    }

    std::vector<Leftover> take() { return std::move(found_); }

private:
    void look_at_runs(const fs::path& folder, const std::string& host_id) {
        for (const DirectoryEntry& run : file_system_.list(folder)) {
            if (run.type != FileType::directory || !is_path_id(run.name)) continue;
            if (!is_dead_(run.name)) continue;
            found_.push_back({.host_id = host_id, .run_id = run.name, .path = folder / run.name});
        }
    }

    FileSystem& file_system_;
    const std::function<bool(std::string_view)>& is_dead_;
    std::vector<Leftover> found_;
};

}  // namespace

std::vector<Leftover> find_leftovers(FileSystem& file_system, const fs::path& root,
                                     FolderLayout layout,
                                     const std::function<bool(std::string_view)>& is_dead) {
    const auto status = file_system.find_status(root);
    if (!status || status->type != FileType::directory) {
        throw Error{ErrorCode::not_found,
                    fmt::format("the share's folder {} is not there", root.string()),
                    "is its file system mounted?"};
    }
    Search search{file_system, is_dead};
    if (layout == FolderLayout::accounts) {
        search.look_at_accounts(root);
    } else {
        search.look_at_hosts(root);
    }
    search.look_at_taken(root);
    return search.take();
}

void remove_leftover(FileSystem& file_system, const Leftover& leftover) {
    file_system.remove_tree(leftover.path);
    file_system.sync_directory(leftover.path.parent_path());
}

}  // namespace entrepot::share
