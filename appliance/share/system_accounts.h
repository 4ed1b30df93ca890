// The system's accounts that stand behind hosts: entrepot-share-01, -02, ... They have no password,
// no shell and no home. Made by an explicit command of an administrator, never by the daemon.
#pragma once

#include "base/process.h"

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace entrepot::share {

struct SystemAccount {
    std::uint32_t user_id = 0;
    std::uint32_t group_id = 0;
};

class SystemAccounts {
public:
    virtual ~SystemAccounts() = default;
    virtual std::optional<SystemAccount> find(const std::string& name) = 0;
};

/// The system's user database.
class PosixSystemAccounts final : public SystemAccounts {
public:
    std::optional<SystemAccount> find(const std::string& name) override;
};

/// The name of an account, counted from 1.
std::string share_account_name(std::uint32_t number);
/// The accounts that there are, by number: those from 1 up to the first that is missing.
std::vector<std::string> list_share_accounts(SystemAccounts& accounts);

/// Makes those of the first `count` accounts that are missing and returns their names. Throws
/// Error{invalid} beyond limits::kAccountsMax, Error{permission_denied} unless we are root,
/// Error{io} with what useradd said.
std::vector<std::string> make_share_accounts(SystemAccounts& accounts, ProcessRunner& processes,
                                             std::uint32_t count, bool is_root,
                                             std::stop_token stop);

}  // namespace entrepot::share
