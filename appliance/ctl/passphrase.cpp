// Secrets from files and prompts, never from arguments.
#include "appliance/ctl/passphrase.h"

#include "base/error.h"
#include "base/limits.h"

#include <fmt/format.h>

#include <cstdlib>

namespace entrepot::ctl {
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

std::optional<std::filesystem::path> find_passphrase_file(FileSystem& file_system,
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

std::optional<Secret> read_passphrase(FileSystem& file_system, Terminal& terminal,
                                      const std::filesystem::path& option,
                                      const std::filesystem::path& configured) {
    if (const auto file = find_passphrase_file(file_system, option, configured)) {
        return read_secret_file(file_system, *file);
    }
    if (!terminal.can_ask()) return std::nullopt;
    return terminal.ask_secret("Passphrase of the repository: ");
}

Secret read_new_passphrase(FileSystem& file_system, Terminal& terminal,
                           const std::optional<std::filesystem::path>& file,
                           const std::string& hint) {
    if (file) return read_secret_file(file_system, *file);
    if (!terminal.can_ask()) throw Error{ErrorCode::usage, "no passphrase is given", hint};
    Secret first = terminal.ask_secret("New passphrase: ");
    const Secret second = terminal.ask_secret("Once more: ");
    if (first.reveal_text() != second.reveal_text()) {
        throw Error{ErrorCode::usage, "the two passphrases differ"};
    }
    if (first.empty()) throw Error{ErrorCode::usage, "an empty passphrase protects nothing"};
    return first;
}

}  // namespace entrepot::ctl
