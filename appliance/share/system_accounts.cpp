// See system_accounts.h.
#include "appliance/share/system_accounts.h"

#include "appliance/share/limits.h"
#include "appliance/share/names.h"

#include "base/error.h"

#include <fmt/format.h>

#include <pwd.h>

#include <array>

namespace entrepot::share {
namespace {

constexpr std::size_t kEntryBytesMax = 4'096;
constexpr const char* kComment = "Entrepot share account";  // A colon would end the field.

void make_account(ProcessRunner& processes, const std::string& name, std::stop_token stop) {
    const CommandResult result = processes.run(
        {.program = "useradd",
         .arguments = {"--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
                       "--shell", "/usr/sbin/nologin", "--comment", kComment, name}},
        std::move(stop));
    if (result.exit_status == 0) return;
    throw Error{ErrorCode::io,
                fmt::format("useradd can't make the account {}: {}", name,
                            printable(result.err.substr(0, result.err.find('\n')))),
                "make it yourself, as a system account with a group of its own and without a "
                "password, then try again"};
}

}  // namespace

std::optional<SystemAccount> PosixSystemAccounts::find(const std::string& name) {
    std::array<char, kEntryBytesMax> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
        found == nullptr) {
        return std::nullopt;
    }
    return SystemAccount{.user_id = entry.pw_uid, .group_id = entry.pw_gid};
}

std::string share_account_name(std::uint32_t number) {
    return fmt::format("entrepot-share-{:02}", number);
}

std::vector<std::string> list_share_accounts(SystemAccounts& accounts) {
    std::vector<std::string> names;
    for (std::uint32_t number = 1; number <= limits::kAccountsMax; ++number) {
        std::string name = share_account_name(number);
        if (!accounts.find(name)) break;
        names.push_back(std::move(name));
    }
    return names;
}

std::vector<std::string> make_share_accounts(SystemAccounts& accounts, ProcessRunner& processes,
                                             std::uint32_t count, bool is_root,
                                             std::stop_token stop) {
    if (count < 1 || count > limits::kAccountsMax) {
        throw Error{ErrorCode::invalid,
                    fmt::format("from 1 to {} accounts can be made", limits::kAccountsMax)};
    }
    std::vector<std::string> made;
    for (std::uint32_t number = 1; number <= count; ++number) {
        const std::string name = share_account_name(number);
        if (accounts.find(name)) continue;
        if (!is_root) {
            throw Error{
                ErrorCode::permission_denied,
                fmt::format("the system account {} is missing, and only root can make it", name),
                fmt::format("as root: entrepot share setup --accounts {}", count)};
        }
        make_account(processes, name, stop);
        made.push_back(name);
    }
    return made;
}

}  // namespace entrepot::share
