// The rules for UNC paths; see unc.h.
#include "appliance/share/unc.h"

#include "base/error.h"
#include "base/guid.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <initializer_list>
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

bool is_device(std::string_view name) {
    std::string stem{name.substr(0, name.find('.'))};
    for (char& c : stem)
        c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    for (const std::string_view device : {"CON", "PRN", "AUX", "NUL"}) {
        if (stem == device) return true;
    }
    const bool is_numbered = stem.size() == 4 && std::isdigit(static_cast<unsigned char>(stem[3]));
    return is_numbered && (stem.starts_with("COM") || stem.starts_with("LPT"));
}

void require_path_ids(std::initializer_list<std::string_view> ids) {
    for (const std::string_view id : ids) {
        if (is_path_id(id)) continue;
        throw Error{ErrorCode::internal, fmt::format("\"{:.80}\" is no id for a path", id)};
    }
}

}  // namespace

void check_folder_name(std::string_view name) {
    constexpr std::size_t kNameBytesMax = 100;
    const bool is_plain = !name.empty() && name.size() <= kNameBytesMax && name != "." &&
                          name != ".." && name.back() != '.' && name.back() != ' ' &&
                          name.front() != ' ' && name.front() != '.';
    const bool is_allowed = name.find('\\') == std::string_view::npos &&
                            std::none_of(name.begin(), name.end(), is_forbidden);
    if (is_plain && is_allowed && !is_device(name)) return;
    throw Error{ErrorCode::invalid, fmt::format("\"{:.200}\" is no name of a folder", name),
                "Windows forbids some characters, spaces and dots at the end, and device names."};
}

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

std::string server_of_unc(std::string_view unc) {
    return std::string{split(unc.substr(2)).front()};
}

std::string share_of_unc(std::string_view unc) {
    const std::vector<std::string_view> components = split(unc.substr(2));
    if (components.size() != 2) {
        throw Error{
            ErrorCode::invalid,
            fmt::format("\"{:.200}\" names a folder, but the appliance serves whole shares", unc),
            R"(write \\SERVER\SHARE)"};
    }
    return std::string{components.back()};
}

bool is_path_id(std::string_view text) {
    const bool is_hexadecimal = std::all_of(text.begin(), text.end(), [](char c) {
        return std::isxdigit(static_cast<unsigned char>(c)) != 0;
    });
    if (text.size() == 32 && is_hexadecimal) return true;
    return !text.starts_with('{') && Guid::parse(text).has_value();
}

std::string restore_folder_name(std::string_view run_id) {
    require_path_ids({run_id});
    return fmt::format("vm-{}", run_id);
}

std::string join_restore_unc(std::string_view unc, std::string_view host_id,
                             std::string_view run_id) {
    require_path_ids({host_id});
    return fmt::format("{}\\{}\\{}", check_unc(unc), host_id, restore_folder_name(run_id));
}

std::string join_unc(std::string_view unc, std::string_view host_id, std::string_view run_id) {
    require_path_ids({host_id, run_id});
    return fmt::format("{}\\{}\\{}", check_unc(unc), host_id, run_id);
}

}  // namespace entrepot::share
