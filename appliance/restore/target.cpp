// See target.h.
#include "appliance/restore/target.h"

#include "appliance/restore/host_path.h"
#include "appliance/restore/layout.h"
#include "appliance/share/unc.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::restore {
namespace {

/// A share of ours that a path leads into, and the folders below it.
struct ShareFolder {
    state::ShareRecord share;
    std::vector<std::string> folders;
};

std::optional<ShareFolder> find_share(const backup::Services& services, const std::string& path) {
    for (const state::ShareRecord& share : services.shares.list()) {
        if (auto folders = parts_below(share.unc, path)) return ShareFolder{share, *folders};
    }
    return std::nullopt;
}

// The share itself, or the host's own folder in it: then the run's id is the name.
bool is_unnamed(const std::vector<std::string>& folders, const std::string& host_id) {
    return folders.empty() || (folders.size() == 1 && folders.front() == host_id);
}

Target on_share(const backup::Services& services, const state::HostRecord& host,
                const ShareFolder& place, const std::string& run_id) {
    share::ExportArea area = services.shares.open_area(place.share, host.id);
    Target target;
    target.share = place.share.name;
    if (is_unnamed(place.folders, host.id)) {
        area.check_root();
        target.directory = area.restore_path(host.id, run_id);
        target.share_path = share::join_restore_unc(place.share.unc, host.id, run_id);
    } else {
        target.directory = area.check_named_folder(place.folders);
        target.share_path = place.share.unc;
        for (const std::string& folder : place.folders)
            target.share_path += "\\" + folder;
    }
    target.host_path = target.share_path;
    return target;
}

}  // namespace

std::string_view to_string(Reach reach) {
    switch (reach) {
        case Reach::share:
            return "share";
        case Reach::mapped:
            return "mapped";
        case Reach::copied:
            return "copied";
    }
    return "";
}

Target resolve_target(const backup::Services& services, const state::HostRecord& host,
                      const std::string& to, const std::string& run_id) {
    const std::string path = check_host_path(to);
    if (const auto place = find_share(services, path)) {
        return on_share(services, host, *place, run_id);
    }
    Target target = on_share(services, host, {services.shares.share_of(host.draft), {}}, run_id);
    target.host_path = path;
    target.reach = Reach::copied;
    target.is_reach_known = false;
    const std::string folder = share::restore_folder_name(run_id);
    target.mapped_candidates = {join_host_path(path, {host.id, folder}),
                                join_host_path(path, {folder})};
    return target;
}

state::ShareRecord share_of(const backup::Services& services, const Target& target) {
    for (const state::ShareRecord& share : services.shares.list()) {
        if (share.name == target.share) return share;
    }
    throw Error{
        ErrorCode::not_found,
        fmt::format("share {}, which receives the files, is not there any more", target.share)};
}

Json to_json(const Target& target) {
    return {{"share", target.share},
            {"directory", target.directory.string()},
            {"share_path", target.share_path},
            {"host_path", target.host_path},
            {"reach", to_string(target.reach)},
            {"is_reach_known", target.is_reach_known},
            {"mapped_candidates", target.mapped_candidates}};
}

Target target_from(const Json& json) {
    Target target;
    target.share = json.at("share");
    target.directory = json.at("directory").get<std::string>();
    target.share_path = json.at("share_path");
    target.host_path = json.at("host_path");
    for (const Reach reach : {Reach::share, Reach::mapped, Reach::copied}) {
        if (json.at("reach") == to_string(reach)) target.reach = reach;
    }
    target.is_reach_known = json.at("is_reach_known");
    target.mapped_candidates = json.at("mapped_candidates").get<std::vector<std::string>>();
    return target;
}

std::string copy_command(const Target& target) {
    const std::string from = quote_for_powershell(target.share_path);
    const std::string to = quote_for_powershell(target.host_path);
    // Below 8 robocopy did what it was asked.
    return fmt::format(
        "robocopy {0} {1} /E /XF {2}; if ($LASTEXITCODE -lt 8) {{ robocopy {0} {1} "
        "{2} }}",
        from, to, kMarkerName);
}

}  // namespace entrepot::restore
