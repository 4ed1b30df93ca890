// Where the passphrase of the repository lies.
#pragma once

#include "base/file_system.h"
#include "base/secret.h"

#include <filesystem>
#include <optional>

namespace entrepot::daemon {

/// The file that holds the passphrase: `option`, else ENTREPOT_PASSPHRASE_FILE, else `configured`,
/// else systemd's credential "passphrase" if there is one. The first that is named counts.
std::optional<std::filesystem::path> find_key_file(FileSystem& file_system,
                                                   const std::filesystem::path& option,
                                                   const std::filesystem::path& configured);

/// The content of that file; nullopt if none is named.
std::optional<Secret> read_key_file(FileSystem& file_system, const std::filesystem::path& option,
                                    const std::filesystem::path& configured);

}  // namespace entrepot::daemon
