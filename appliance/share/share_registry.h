// The shares by name, with the rules about them.
#pragma once

#include "appliance/share/export_area.h"
#include "appliance/share/system_accounts.h"
#include "appliance/state/hosts.h"
#include "appliance/state/share_accounts.h"
#include "appliance/state/shares.h"

#include "base/clock.h"
#include "base/file_system.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::share {

/// What is registered must outlive it.
struct RegistryEnvironment {
    FileSystem& file_system;
    Clock& clock;
    state::ShareStore& shares;
    state::HostStore& hosts;
    /// Only for shares that we serve ourselves.
    state::ShareAccountStore* accounts = nullptr;
    SystemAccounts* system_accounts = nullptr;
    std::string own_name = "appliance";  ///< Under which hosts reach us.
};

/// A share that our own file server serves.
struct ManagedShareDraft {
    std::string name;
    std::string unc;  ///< \\SERVER\SHARE; empty: made of our name and the share's.
    std::filesystem::path path;
    std::string listen;  ///< ADDR:PORT
};

class ShareRegistry {
public:
    explicit ShareRegistry(const RegistryEnvironment& environment) : environment_(environment) {}

    /// Error{invalid} for a bad name or UNC or a relative path, Error{not_found} if the path is no
    /// directory, Error{conflict} if it lies inside, around or at another share's path.
    state::ShareRecord add(const std::string& name, std::string_view unc,
                           const std::filesystem::path& path);
    /// As add(); and Error{invalid} for a name, path or address that Samba would not take as it is,
    /// Error{conflict} if managed shares would listen at two places or a UNC name is used twice,
    /// Error{permission_denied} unless the folder is ours alone and the hosts' accounts get through
    /// to it. Lets others through the folder (mode 0711), not look into it.
    state::ShareRecord add_managed(const ManagedShareDraft& draft);
    std::vector<state::ShareRecord> list() { return environment_.shares.list(); }
    /// Error{conflict} while a host names it.
    void remove(const std::string& name);
    /// The one the host names or, if it names none, the only one there is. Error{not_found},
    /// Error{conflict} if there are several.
    state::ShareRecord share_of(const state::HostDraft& host);
    /// The area as it is for this host. Error{not_found} if the share is ours and the host has no
    /// account on it yet.
    ExportArea open_area(const state::ShareRecord& share, const std::string& host_id);

private:
    void check_folder(const state::ShareRecord& share);
    void check_beside(const state::ShareRecord& share);
    RegistryEnvironment environment_;
};

}  // namespace entrepot::share
