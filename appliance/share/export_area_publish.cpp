// The way from us to a host; see export_area.h.
#include "appliance/share/access_rights.h"
#include "appliance/share/export_area.h"
#include "appliance/share/names.h"
#include "appliance/share/unc.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::share {

namespace fs = std::filesystem;

fs::path ExportArea::check_named_folder(const std::vector<std::string>& folders) {
    check_root();
    fs::path path = host_root();
    for (std::size_t i = 0; i < folders.size(); ++i) {
        check_folder_name(folders[i]);
        path /= folders[i];
        const auto status = file_system_.find_status(path);
        const bool is_last = i + 1 == folders.size();
        if (!status && is_last) return path;
        if (!status) {
            throw Error{ErrorCode::not_found,
                        fmt::format("the folder {} is not there", path.string()),
                        "Only the last folder of the path is made; make the others first."};
        }
        if (status->type != FileType::directory) {
            throw Error{ErrorCode::untrusted, fmt::format("{} is no directory", path.string())};
        }
    }
    if (!file_system_.list(path).empty()) {
        throw Error{ErrorCode::already_exists,
                    fmt::format("{} is there already and not empty", path.string()),
                    "Name a folder that does not exist yet."};
    }
    return path;
}

fs::path ExportArea::create_private(std::string_view run_id) {
    check_root();
    const std::uint32_t own_id = find_own_id(run_id);
    ensure_taken_folder(own_id);
    const fs::path folder = taken_path(run_id);
    if (!file_system_.exists(folder)) {
        file_system_.make_directories(folder);
        file_system_.sync_directory(folder.parent_path());
    }
    require_own_folder(folder, own_id);
    return folder;
}

fs::path ExportArea::restore_path(std::string_view host_id, std::string_view run_id) const {
    return host_path(host_id) / restore_folder_name(run_id);
}

void ExportArea::prepare_folder(const fs::path& folder) {
    const bool is_hosts_own = is_path_id(folder.filename().string());
    if (account_ && is_hosts_own) prepare_host(folder.filename().string());
    if (file_system_.exists(folder)) return;
    file_system_.make_directories(folder);
    copy_access_rights(root_, folder);
    file_system_.sync_directory(root_);
}

void ExportArea::publish(std::string_view run_id, const fs::path& target) {
    const fs::path folder = taken_path(run_id);
    if (!file_system_.exists(folder)) return;
    const fs::path parent = target.parent_path();
    if (account_ || (parent != root_ && !file_system_.exists(parent))) prepare_folder(parent);
    const auto status = file_system_.find_status(target);
    if (status && (status->type != FileType::directory || !file_system_.list(target).empty())) {
        throw Error{ErrorCode::already_exists,
                    fmt::format("{} is there already and not empty", target.string()),
                    "Somebody else uses it: name another folder."};
    }
    if (account_) {
        admit_group(account_->group_id, folder);
    } else {
        copy_access_rights(parent, folder);
    }
    file_system_.rename(folder, target);
    file_system_.sync_directory(folder.parent_path());
    file_system_.sync_directory(parent);
}

void ExportArea::remove_published(const fs::path& target) {
    if (!file_system_.exists(target)) return;
    file_system_.remove_tree(target);
    file_system_.sync_directory(target.parent_path());
}

}  // namespace entrepot::share
