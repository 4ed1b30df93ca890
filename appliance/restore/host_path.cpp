// See host_path.h.
#include "appliance/restore/host_path.h"

#include "appliance/restore/limits.h"
#include "appliance/share/unc.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace entrepot::restore {
namespace {

[[noreturn]] void refuse(std::string_view path, std::string_view why) {
    throw Error{ErrorCode::invalid,
                fmt::format("\"{:.200}\" is no folder of a Hyper-V host: {}", path, why),
                R"(Write D:\VMs\web01, or the share's own path, \\SERVER\SHARE.)"};
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\\'), text.size());
        parts.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

bool is_drive(std::string_view path) {
    return path.size() >= 2 && std::isalpha(static_cast<unsigned char>(path[0])) != 0 &&
           path[1] == ':';
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return std::tolower(static_cast<unsigned char>(x)) ==
               std::tolower(static_cast<unsigned char>(y));
    });
}

}  // namespace

std::string check_host_path(std::string_view path) {
    if (path.size() > limits::kHostPathBytesMax) {
        refuse(path.substr(0, limits::kHostPathBytesMax),
               fmt::format("it is longer than {} bytes", limits::kHostPathBytesMax));
    }
    if (path.starts_with(R"(\\)")) return share::check_unc(path);
    if (!is_drive(path)) refuse(path, "it begins with neither a drive nor a server");
    std::string_view rest = path.substr(2);
    if (!rest.empty() && rest.front() != '\\') refuse(path, "it is relative to a drive's folder");
    while (rest.ends_with('\\'))
        rest.remove_suffix(1);
    if (!rest.empty()) rest.remove_prefix(1);
    const auto parts = split(rest);
    if (parts.size() > limits::kPathPartsMax) refuse(path, "it is too deep");
    std::string checked{path.substr(0, 2)};
    for (const std::string& part : parts) {
        share::check_folder_name(part);
        checked += "\\" + part;
    }
    return checked;
}

std::string join_host_path(std::string_view folder, std::initializer_list<std::string_view> parts) {
    std::string path{folder};
    for (const std::string_view part : parts) {
        if (!path.ends_with('\\')) path += '\\';
        path += part;
    }
    return path;
}

std::optional<std::vector<std::string>> parts_below(std::string_view folder,
                                                    std::string_view path) {
    if (path.size() < folder.size()) return std::nullopt;
    if (!equal_ignoring_case(path.substr(0, folder.size()), folder)) return std::nullopt;
    std::string_view rest = path.substr(folder.size());
    if (rest.empty()) return std::vector<std::string>{};
    if (rest.front() != '\\') return std::nullopt;
    rest.remove_prefix(1);
    return split(rest);
}

bool is_below(std::string_view folder, std::string_view path) {
    return parts_below(folder, path).has_value();
}

std::string quote_for_powershell(std::string_view text) {
    std::string quoted{"'"};
    for (const char c : text) {
        if (c == '\'') quoted += '\'';
        quoted += c;
    }
    return quoted + "'";
}

}  // namespace entrepot::restore
