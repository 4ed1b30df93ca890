// The shares by name, with the rules about them.
#pragma once

#include "appliance/share/export_area.h"
#include "appliance/state/hosts.h"
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
};

class ShareRegistry {
public:
    explicit ShareRegistry(const RegistryEnvironment& environment) : environment_(environment) {}

    /// Error{invalid} for a bad name or UNC or a relative path, Error{not_found} if the path is no
    /// directory, Error{conflict} if it lies inside, around or at another share's path.
    state::ShareRecord add(const std::string& name, std::string_view unc,
                           const std::filesystem::path& path);
    std::vector<state::ShareRecord> list() { return environment_.shares.list(); }
    /// Error{conflict} while a host names it.
    void remove(const std::string& name);
    /// The one the host names or, if it names none, the only one there is. Error{not_found},
    /// Error{conflict} if there are several.
    state::ShareRecord share_of(const state::HostDraft& host);
    ExportArea open_area(const state::ShareRecord& share);

private:
    RegistryEnvironment environment_;
};

}  // namespace entrepot::share
