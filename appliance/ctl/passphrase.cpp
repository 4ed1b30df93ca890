// Secrets from files and prompts, never from arguments.
#include "appliance/ctl/passphrase.h"

#include "appliance/daemon/key_files.h"

#include "base/error.h"
#include "base/secret_file.h"

namespace entrepot::ctl {
std::optional<Secret> read_passphrase(FileSystem& file_system, Terminal& terminal,
                                      const std::filesystem::path& option,
                                      const std::filesystem::path& configured) {
    if (auto key = daemon::read_key_file(file_system, option, configured)) return key;
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
