// Where the repository's key comes from: a file, the environment, systemd, or a person.
#pragma once

#include "appliance/ctl/terminal.h"

#include "base/file_system.h"
#include "base/secret.h"

#include <filesystem>
#include <optional>
#include <string>

namespace entrepot::ctl {

/// The key of an existing repository; nullopt if there is neither file nor person.
std::optional<Secret> read_passphrase(FileSystem& file_system, Terminal& terminal,
                                      const std::filesystem::path& option,
                                      const std::filesystem::path& configured);

/// A new one: from a file, or asked for twice. Throws Error{usage} if there is neither file nor
/// person, or the two answers differ.
Secret read_new_passphrase(FileSystem& file_system, Terminal& terminal,
                           const std::optional<std::filesystem::path>& file,
                           const std::string& hint);

}  // namespace entrepot::ctl
