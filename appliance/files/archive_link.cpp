// Targets are shown text: one with a backslash may be an escape, or Windows' own, and is neither.
#include "appliance/files/archive_link.h"

#include "appliance/files/archive_name.h"

#include <algorithm>

namespace entrepot::files {

std::optional<std::string> archive_link_target(std::string_view shown, std::size_t depth) {
    if (shown.empty() || shown.starts_with('/') || shown.find('\\') != std::string_view::npos) {
        return std::nullopt;
    }
    std::string target;
    bool is_behind_name = false;
    while (!shown.empty()) {
        const std::string_view part = shown.substr(0, shown.find('/'));
        shown.remove_prefix(std::min(shown.size(), part.size() + 1));
        if (part.empty() || part == ".") continue;
        if (part == "..") {
            if (is_behind_name || depth == 0) return std::nullopt;
            --depth;
        } else {
            is_behind_name = true;
        }
        target += (target.empty() ? "" : "/") + archive_name(part, ArchiveFormat::tar);
    }
    if (target.empty()) target = ".";
    return target;
}

}  // namespace entrepot::files
