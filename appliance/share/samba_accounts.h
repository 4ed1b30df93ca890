// The accounts in the password database of our own Samba, by its tools pdbedit and smbpasswd.
#pragma once

#include "base/process.h"
#include "base/secret.h"

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace entrepot::share {

struct SambaAccount {
    std::string name;  ///< A system account of the same name is there.
    Secret password;
    std::string version{};  ///< Another one for every password that the account gets; no secret.
};

/// Makes the database hold these accounts with these passwords, and no other. Passwords go over
/// standard input only. Error{not_found} for a missing tool, Error{io} naming the account and what
/// the tool said; may be called again.
void sync_samba_accounts(ProcessRunner& processes, const std::filesystem::path& smb_conf,
                         const std::vector<SambaAccount>& accounts, std::stop_token stop);

}  // namespace entrepot::share
