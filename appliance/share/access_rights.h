// Who may open what we put on a share: whoever the folder admits that holds it.
#pragma once

#include <filesystem>

namespace entrepot::share {

/// Gives a directory, or the files and directories below it, owner and group of `model`, a
/// directory, and its mode; files are not made executable. The owner stays where we may not give
/// files away. Links are refused with Error{untrusted}; Error{permission_denied}, Error{io}.
void copy_access_rights(const std::filesystem::path& model, const std::filesystem::path& tree);

}  // namespace entrepot::share
