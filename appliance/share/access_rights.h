// Who may open what we put on a share: whoever the folder admits that holds it.
#pragma once

#include <cstdint>
#include <filesystem>

namespace entrepot::share {

/// Gives a directory, or the files and directories below it, owner and group of `model`, a
/// directory, and its mode; files are not made executable. The owner stays where we may not give
/// files away. Links are refused with Error{untrusted}; Error{permission_denied}, Error{io}.
void copy_access_rights(const std::filesystem::path& model, const std::filesystem::path& tree);

/// Gives a directory and all below it to a group, which may change it; nobody else is admitted.
/// Errors as above; another group than our own takes root.
void admit_group(std::uint32_t group_id, const std::filesystem::path& tree);

}  // namespace entrepot::share
