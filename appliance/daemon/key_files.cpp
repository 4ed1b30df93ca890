// Secrets from files, never from arguments.
#include "appliance/daemon/key_files.h"

#include "base/error.h"
#include "base/limits.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string>

namespace entrepot::daemon {
namespace {

std::string environment_value(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string{} : std::string{value};
}

}  // namespace

Secret read_secret_file(FileSystem& file_system, const std::filesystem::path& file) {
    const Bytes content = file_system.read_file(file, limits::kSecretFileBytesMax);
    std::string_view text = as_text(content);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.remove_suffix(1);
    if (text.empty()) {
        throw Error{ErrorCode::invalid, fmt::format("{} holds no secret", file.string())};
    }
    return Secret{text};
}

std::optional<std::filesystem::path> find_key_file(FileSystem& file_system,
                                                   const std::filesystem::path& option,
                                                   const std::filesystem::path& configured) {
    if (!option.empty()) return option;
    const std::string named = environment_value("ENTREPOT_PASSPHRASE_FILE");
    if (!named.empty()) return named;
    if (!configured.empty()) return configured;
    const std::string credentials = environment_value("CREDENTIALS_DIRECTORY");
    if (credentials.empty()) return std::nullopt;
    const auto credential = std::filesystem::path{credentials} / "passphrase";
    if (!file_system.exists(credential)) return std::nullopt;
    return credential;
}

std::optional<Secret> read_key_file(FileSystem& file_system, const std::filesystem::path& option,
                                    const std::filesystem::path& configured) {
    const auto file = find_key_file(file_system, option, configured);
    if (!file) return std::nullopt;
    return read_secret_file(file_system, *file);
}

}  // namespace entrepot::daemon
