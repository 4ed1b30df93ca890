// See ingest_place.h.
#include "appliance/api/ingest_place.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace entrepot::api {
namespace {

namespace fs = std::filesystem;

/// With links and dots resolved as far as the path exists; empty where that cannot be done.
fs::path resolve(const fs::path& path) {
    std::error_code error;
    fs::path resolved = fs::weakly_canonical(path, error);
    return error ? fs::path{} : resolved;
}

bool is_below(const fs::path& path, const fs::path& directory) {
    if (path.empty() || directory.empty() || directory == directory.root_path()) return false;
    const auto [end, ignored] =
        std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
    return end == directory.end() && path != directory;
}

std::vector<fs::path> list_places(Services& services) {
    std::vector<fs::path> places;
    const auto add = [&places](const fs::path& place) {
        if (place.is_absolute()) places.push_back(resolve(place));
    };
    for (const state::ShareRecord& share : services.shares.list())
        add(share.path);
    add(services.config.ingest_directory);
    return places;
}

}  // namespace

void require_ingest_place(const Request& request, const std::vector<std::string>& paths,
                          Services& services) {
    if (request.user.is_local) return;
    const std::vector<fs::path> places = list_places(services);
    for (const std::string& path : paths) {
        const fs::path resolved = resolve(path);
        const bool is_allowed =
            std::any_of(places.begin(), places.end(),
                        [&](const fs::path& place) { return is_below(resolved, place); });
        if (is_allowed) continue;
        throw Error{ErrorCode::access_denied,
                    fmt::format("over the network {} is not taken in", path),
                    "Put it into the folder of a share, or name its folder as ingest.directory in "
                    "the configuration. On the appliance itself `entrepot ingest` takes any."};
    }
}

}  // namespace entrepot::api
