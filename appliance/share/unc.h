// UNC paths, which hosts are given: built from our own ids only.
#pragma once

#include <string>
#include <string_view>

namespace entrepot::share {

/// Normalised: no trailing backslash. Throws Error{invalid} unless it is \\SERVER\SHARE[\FOLDER...]
/// of bounded length, without "." or "..", forward slashes, wildcards, or device names.
std::string check_unc(std::string_view unc);

/// UNC\<host id>\<run id>. Both must satisfy is_path_id().
std::string join_unc(std::string_view unc, std::string_view host_id, std::string_view run_id);

/// A GUID, or 32 hexadecimal digits: ids of ours, the only names that become path components.
bool is_path_id(std::string_view text);

}  // namespace entrepot::share
