// Paths as a Windows host reads them: text for the host, never a path of ours.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::restore {

/// Without a backslash at the end. Throws Error{invalid} unless it is X:\..., a path with a drive
/// letter, or \\SERVER\SHARE..., of bounded length, without relative parts or forbidden characters.
std::string check_host_path(std::string_view path);

std::string join_host_path(std::string_view folder, std::initializer_list<std::string_view> parts);

/// What follows `folder` in `path`, part by part, letters in any case; empty if they are equal,
/// nullopt if it does not lie below.
std::optional<std::vector<std::string>> parts_below(std::string_view folder, std::string_view path);

/// True if a path that a host names lies in this folder.
bool is_below(std::string_view folder, std::string_view path);

/// A literal of PowerShell.
std::string quote_for_powershell(std::string_view text);

}  // namespace entrepot::restore
