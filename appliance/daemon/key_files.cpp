// Secrets from files, never from arguments.
#include "appliance/daemon/key_files.h"

#include "base/secret_file.h"

#include <cstdlib>
#include <string>

namespace entrepot::daemon {
namespace {

std::string environment_value(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string{} : std::string{value};
}

}  // namespace

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
