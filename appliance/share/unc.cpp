// The rules for UNC paths; see unc.h.
#include "appliance/share/unc.h"

#include "base/error.h"
#include "base/guid.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

namespace entrepot::share {
namespace {

// MAX_PATH of Windows less room for our ids and the export's own tree.
constexpr std::size_t kUncBytesMax = 120;
constexpr std::size_t kComponentCountMax = 8;

[[noreturn]] void refuse(std::string_view unc, std::string_view why) {
    throw Error{ErrorCode::invalid, fmt::format("\"{:.200}\" is no UNC path: {}", unc, why),
                R"(write \\SERVER\SHARE or \\SERVER\SHARE\FOLDER)"};
}

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t end = text.find('\\');
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

bool is_forbidden(char c) {
    return static_cast<unsigned char>(c) < 0x20 ||
           std::string_view{"/<>:\"|?*"}.find(c) != std::string_view::npos;
}

void check_component(std::string_view unc, std::string_view component) {
    if (component.empty()) refuse(unc, "it has an empty part");
    if (component == "." || component == "..") refuse(unc, "it has a relative part");
    if (component.back() == '.' || component.back() == ' ' || component.front() == ' ') {
        refuse(unc, "a part begins or ends with a space, or ends with a dot");
    }
    if (std::any_of(component.begin(), component.end(), is_forbidden)) {
        refuse(unc, "it holds a character that Windows forbids");
    }
}

}  // namespace

std::string check_unc(std::string_view unc) {
    if (unc.size() > kUncBytesMax) {
        refuse(unc, fmt::format("it is longer than {} bytes", kUncBytesMax));
    }
    if (!unc.starts_with(R"(\\)")) refuse(unc, R"(it does not begin with \\)");
    std::string_view rest = unc;
    while (rest.size() > 2 && rest.back() == '\\')
        rest.remove_suffix(1);
    const std::vector<std::string_view> components = split(rest.substr(2));
    if (components.size() < 2) refuse(unc, "it has no share");
    if (components.size() > kComponentCountMax) refuse(unc, "it is too deep");
    for (const std::string_view component : components) {
        check_component(unc, component);
    }
    return std::string{rest};
}

bool is_path_id(std::string_view text) {
    const bool is_hexadecimal = std::all_of(text.begin(), text.end(), [](char c) {
        return std::isxdigit(static_cast<unsigned char>(c)) != 0;
    });
    if (text.size() == 32 && is_hexadecimal) return true;
    return !text.starts_with('{') && Guid::parse(text).has_value();
}

std::string join_unc(std::string_view unc, std::string_view host_id, std::string_view run_id) {
    for (const std::string_view id : {host_id, run_id}) {
        if (!is_path_id(id)) {
            throw Error{ErrorCode::internal, fmt::format("\"{:.80}\" is no id for a path", id)};
        }
    }
    return fmt::format("{}\\{}\\{}", check_unc(unc), host_id, run_id);
}

}  // namespace entrepot::share
