// Links of a guest in an archive: only those that stay in it, whatever other links do.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace entrepot::files {

/// The target of a link as a tar may have it; nullopt for one that leads out of the archive's
/// folder, or of which that cannot be said. `depth` counts the folders between the archive's own
/// and the link. Steps up are taken at the beginning alone: behind a name, which may be another
/// link, they would lead anywhere.
std::optional<std::string> archive_link_target(std::string_view shown, std::size_t depth);

}  // namespace entrepot::files
