// The appliance's own Samba as the daemon runs it, on a loopback port, with two hosts.
#pragma once

#include "appliance/share/managed_shares.h"

#include "tests/support/state_fixture.h"

#include "base/background_process.h"
#include "base/process.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::test {

/// A host with its login and one run that it may write.
struct ManagedHost {
    state::HostRecord record;
    std::string account;
    std::string password;
    std::string run;  ///< The run's id.

    /// "<host id>/<run id>", as it stands behind the UNC path.
    std::string run_folder() const { return record.id + "/" + run; }
};

/// Needs root: it makes two system accounts if they are missing, as `entrepot share setup` does.
class ManagedSamba : public StateFixture {
public:
    /// `include` is the administrator's own part of the configuration; empty: none.
    explicit ManagedSamba(const std::string& include = {});
    ~ManagedSamba();

    static bool is_possible();

    /// What smbclient prints when it does these commands on the share as this host.
    std::string run_client(const ManagedHost& host, const std::string& commands,
                           const std::vector<std::string>& options = {});
    std::string run_client_as(const std::string& user, const std::string& password,
                              const std::string& service, const std::string& commands,
                              const std::vector<std::string>& options = {});
    CommandResult run_tool(const std::string& program, std::vector<std::string> arguments);
    std::filesystem::path write_local(const std::string& name, std::string_view content);
    std::filesystem::path run_path(const ManagedHost& host) const;
    share::ExportArea area(const ManagedHost& host) {
        return registry.open_area(share_record, host.record.id);
    }
    /// Names, owners, modes and sizes of all that lies on the share.
    std::string describe_tree() const;
    std::string login_file(const std::string& user, const std::string& password);

    PosixFileSystem files;
    SystemClock real_clock;
    SystemRandom real_random;
    NullLog log;
    PosixProcessRunner processes{real_clock};
    PosixProcessStarter starter;
    share::PosixSystemAccounts system_accounts;
    Secret key{"a credential key of a test"};
    std::filesystem::path root;
    std::uint16_t port = 0;
    share::ShareRegistry registry{{files, real_clock, state->shares, state->hosts,
                                   &state->share_accounts, &system_accounts, "appliance"}};
    share::SambaPlaces places{directory.path() / "samba"};
    std::optional<share::ManagedShares> shares;
    state::ShareRecord share_record;
    ManagedHost first;
    ManagedHost second;

private:
    ManagedHost add_host(const std::string& name, const std::string& run);

    int next_login_ = 1;
};

}  // namespace entrepot::test
