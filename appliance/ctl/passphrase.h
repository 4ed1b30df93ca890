// Where the repository's key comes from: a file, the environment, systemd, or a person.
#pragma once

#include "appliance/ctl/terminal.h"

#include "base/file_system.h"
#include "base/secret.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::ctl {

/// A secret's file: the first line's end and what follows an empty rest are not part of it. Throws
/// Error{invalid} for an empty one.
Secret read_secret_file(FileSystem& file_system, const std::filesystem::path& file);

/// The files that may hold the passphrase, in the order in which they are asked: the option,
/// ENTREPOT_PASSPHRASE_FILE, the configuration, systemd's credential. The first one that is named
/// counts, the credential only if it exists.
std::optional<std::filesystem::path> find_passphrase_file(
    FileSystem& file_system, const std::filesystem::path& option,
    const std::filesystem::path& configured);

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
