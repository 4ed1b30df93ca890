// Where the files of a restored VM go: a folder that we write and that the host reads.
//
// WMI moves no files of ours to a host, and we write to our share alone. So PATH_ON_HOST is one of
//   - the UNC path of the share, or of a folder in it: the VM runs from the share;
//   - a path of the host that leads to the share, mapped there by its administrator;
//   - any other path of the host: the files lie on the share until a person has copied them there.
// Which of the last two it is, only the host can tell: by opening a disk file (hyperv-wmi 6.1, 8).
#pragma once

#include "appliance/backup/services.h"
#include "appliance/state/hosts.h"
#include "appliance/state/shares.h"

#include "base/json.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::restore {

enum class Reach {
    share,   ///< The host reads the share by its own name.
    mapped,  ///< A path of the host leads to the share.
    copied,  ///< Somebody copies the files.
};

std::string_view to_string(Reach reach);

struct Target {
    std::string share;                ///< Name of the share that receives the files.
    std::filesystem::path directory;  ///< Where they lie for us.
    std::string share_path;           ///< The same folder by the share's name.
    std::string host_path;  ///< Where the host shall read them; final once `reach` is known.
    Reach reach = Reach::share;
    bool is_reach_known = true;                  ///< False: mapped or copied, ask the host.
    std::vector<std::string> mapped_candidates;  ///< What host_path may be if it is mapped.
};

/// `run_id` names the folder where no person did. Throws Error{invalid} for a path that is none,
/// and what ShareRegistry::share_of and ExportArea::check_named_folder throw.
Target resolve_target(const backup::Services& services, const state::HostRecord& host,
                      const std::string& to, const std::string& run_id);

/// The share that receives the files. Error{not_found} if it was removed.
state::ShareRecord share_of(const backup::Services& services, const Target& target);

Json to_json(const Target& target);
Target target_from(const Json& json);

/// Copies the whole folder and then, last, the marker that proves it. For PowerShell on the host.
std::string copy_command(const Target& target);

}  // namespace entrepot::restore
