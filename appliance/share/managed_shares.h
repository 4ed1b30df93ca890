// The shares that we serve ourselves: which host has which account, password and quota, and what
// our Samba is told of it. Follows P9, P10, P13 and P22 of the threat model.
#pragma once

#include "appliance/share/samba_service.h"
#include "appliance/share/share_registry.h"
#include "appliance/share/system_accounts.h"
#include "appliance/state/state.h"

#include "base/clock.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"
#include "base/secret.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::share {

/// All outlive it.
struct ManagedEnvironment {
    FileSystem& file_system;
    Random& random;
    Log& log;
    state::State& state;
    ShareRegistry& registry;
    SystemAccounts& system_accounts;
    /// Error{locked} while the repository is not open.
    std::function<Secret()> credential_key;
    /// The administrator's lines for Samba; empty: none.
    std::filesystem::path samba_include;
};

/// A host's login, shown once.
struct IssuedCredentials {
    state::ShareRecord share;
    std::string account;
    Secret password;
};

/// A host on a share of ours, without secrets.
struct AccountView {
    std::string host_name;
    state::ShareAccountRecord record;
    std::uint64_t used_bytes = 0;  ///< Of the sizes of its files there.
};

enum class Rotate { no, yes };

/// Safe to share between threads.
class ManagedShares {
public:
    ManagedShares(ManagedEnvironment environment, const SambaEnvironment& samba,
                  const SambaPlaces& places);

    /// Serves from now on, for as long as stop() is not called. Errors as credential_key().
    void start();
    void stop();
    bool is_started() const { return service_.is_started(); }
    /// After hosts or shares changed. Returns when Samba follows, or could not.
    void refresh();

    /// Makes the host's account, or with Rotate::yes a new password; its open sessions end. Nothing
    /// shows a password again. Error{conflict} if it was shown, or the host's share is not ours;
    /// Error{not_found} if no system account is free.
    IssuedCredentials issue(const state::HostRecord& host, Rotate rotate);
    /// Closes the account and ends its sessions. Error{not_found} if there is none.
    void revoke(const state::HostRecord& host);
    /// 0: no quota. Error{invalid} out of bounds, Error{not_found} without an account.
    void set_quota(const state::HostRecord& host, std::uint64_t quota_bytes);
    /// Empty: none. Makes the host's account if need be. Error{invalid}, Error{conflict} if another
    /// host has it.
    void set_computer(const state::HostRecord& host, const std::string& computer);

    /// By host name. Empty for a share that is not ours.
    std::vector<AccountView> list_accounts(const state::ShareRecord& share);
    SambaHealth health() const { return service_.health(); }
    std::vector<std::string> read_log_tail() const { return service_.read_log_tail(); }
    /// See SambaSupervisor::life().
    std::string life() const { return service_.life(); }
    FileServer& server() { return service_.server(); }

private:
    struct Member {
        state::HostRecord host;
        state::ShareRecord share;
        state::ShareAccountRecord account;
    };
    std::vector<Member> list_members();
    WantedSamba make_wanted();
    state::ShareRecord require_managed(const state::HostRecord& host);
    state::ShareAccountRecord ensure_account(const state::HostRecord& host);
    bool is_free_for(const std::string& account, const state::HostRecord& host);
    void refresh_space();
    void write_space(const Member& member);

    ManagedEnvironment environment_;
    std::mutex mutex_;  ///< Held while accounts change, so that no two hosts get the same.
    SambaService service_;
};

}  // namespace entrepot::share
