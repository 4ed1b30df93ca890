// A Samba of a test's own on a loopback port, by packaging/samba/serve.sh.
#pragma once

#include "tests/hostsim/disk/share_target.h"
#include "tests/support/temporary_directory.h"

#include "base/clock.h"
#include "base/process.h"

#include <filesystem>
#include <memory>

namespace entrepot::test {

class PrivateSamba {
public:
    PrivateSamba();
    PrivateSamba(const PrivateSamba&) = delete;
    PrivateSamba& operator=(const PrivateSamba&) = delete;
    ~PrivateSamba();

    /// Samba takes the identity of its users, so only root can run it.
    static bool is_possible();

    std::filesystem::path smb_conf() const { return directory_.path() / "samba" / "smb.conf"; }
    std::filesystem::path share_directory() const { return directory_.path() / "share"; }
    /// A client machine of its own, connected.
    std::unique_ptr<hostsim::ShareTarget> connect() const;
    void stop();

private:
    CommandResult serve(std::vector<std::string> arguments);

    TemporaryDirectory directory_;
    SystemClock clock_;
    PosixProcessRunner processes_{clock_};
    hostsim::SmbTargetOptions login_;
};

}  // namespace entrepot::test
