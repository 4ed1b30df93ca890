// See private_samba.h.
#include "tests/samba/private_samba.h"

#include "base/bytes.h"
#include "base/file_system.h"

#include <unistd.h>

#include <map>
#include <sstream>
#include <stdexcept>

namespace entrepot::test {
namespace {

std::map<std::string, std::string> read_settings(const std::string& text) {
    std::map<std::string, std::string> settings;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        const std::size_t sign = line.find('=');
        if (sign != std::string::npos) settings[line.substr(0, sign)] = line.substr(sign + 1);
    }
    return settings;
}

}  // namespace

bool PrivateSamba::is_possible() {
    return ::geteuid() == 0 && std::filesystem::exists("/usr/sbin/smbd");
}

PrivateSamba::PrivateSamba() {
    const std::string work = (directory_.path() / "samba").string();
    const CommandResult started = serve({"start", work, share_directory().string()});
    if (started.exit_status != 0) throw std::runtime_error{"no Samba: " + started.err};
    const auto settings = read_settings(started.out);
    const Bytes password = PosixFileSystem{}.read_file(settings.at("SMB_PASSWORD_FILE"), kKiB);
    login_ = {.server = "127.0.0.1",
              .port = static_cast<std::uint16_t>(std::stoi(settings.at("SMB_PORT"))),
              .share = settings.at("SMB_SHARE"),
              .user = settings.at("SMB_USER"),
              .password = std::string{as_text(password)}};
}

PrivateSamba::~PrivateSamba() {
    stop();
}

void PrivateSamba::stop() {
    serve({"stop", (directory_.path() / "samba").string()});
}

std::unique_ptr<hostsim::ShareTarget> PrivateSamba::connect() const {
    return hostsim::make_smb_target(login_);
}

CommandResult PrivateSamba::serve(std::vector<std::string> arguments) {
    return processes_.run({.program = ENTREPOT_SOURCE_DIR "/packaging/samba/serve.sh",
                           .arguments = std::move(arguments),
                           .timeout = std::chrono::seconds{60}},
                          {});
}

}  // namespace entrepot::test
