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

/// Throws Error{invalid} for what Windows takes as no name of a folder: a character that it
/// forbids, a dot or space at the end, a device, ".", "..", nothing, more than 100 bytes.
void check_folder_name(std::string_view name);
/// The folder of a restored VM in its host's: no id, so that nobody takes it for a run's.
std::string restore_folder_name(std::string_view run_id);
/// UNC\<host id>\<restore_folder_name>. Both ids must satisfy is_path_id().
std::string join_restore_unc(std::string_view unc, std::string_view host_id,
                             std::string_view run_id);

/// SERVER of \\SERVER\SHARE[\FOLDER...]. Requires a path that check_unc() returned.
std::string server_of_unc(std::string_view unc);

/// SHARE of \\SERVER\SHARE. Error{invalid} where a folder follows: what we serve has none.
std::string share_of_unc(std::string_view unc);

/// A GUID, or 32 hexadecimal digits: ids of ours, the only names that become path components.
bool is_path_id(std::string_view text);

}  // namespace entrepot::share
