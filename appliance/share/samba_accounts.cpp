// See samba_accounts.h.
#include "appliance/share/samba_accounts.h"

#include "appliance/share/names.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace entrepot::share {
namespace {

constexpr std::chrono::seconds kToolTimeout{30};

class Tools {
public:
    Tools(ProcessRunner& processes, const std::filesystem::path& smb_conf, std::stop_token stop)
        : processes_(processes), smb_conf_(smb_conf.string()), stop_(std::move(stop)) {}

    /// Lines of "name:number:full name".
    std::vector<std::string> list() {
        const CommandResult result = run("pdbedit", {"--configfile=" + smb_conf_, "--list"});
        require_done(result, "pdbedit can't list the accounts");
        std::vector<std::string> names;
        std::istringstream lines{result.out};
        for (std::string line; std::getline(lines, line);) {
            const std::size_t colon = line.find(':');
            if (colon != std::string::npos) names.push_back(line.substr(0, colon));
        }
        return names;
    }

    void remove(const std::string& name) {
        require_done(run("pdbedit", {"--configfile=" + smb_conf_, "--delete", "--user=" + name}),
                     fmt::format("pdbedit can't remove the account {}", printable(name)));
    }

    void set(const SambaAccount& account) {
        const std::string_view password = account.password.reveal_text();
        // Asked for twice, as from a person.
        const Secret twice{fmt::format("{0}\n{0}\n", password)};
        require_done(run("smbpasswd", {"-c", smb_conf_, "-L", "-s", "-a", account.name}, twice),
                     fmt::format("smbpasswd can't make the account {}", account.name));
    }

private:
    CommandResult run(const std::string& tool, std::vector<std::string> arguments,
                      const Secret& input = {}) {
        try {
            return processes_.run({.program = tool,
                                   .arguments = std::move(arguments),
                                   .input = input,
                                   .timeout = kToolTimeout},
                                  stop_);
        } catch (Error& error) {
            if (error.code() == ErrorCode::not_found) {
                error.set_hint("install Samba (Debian: samba, samba-common-bin)");
            }
            throw;
        }
    }

    static void require_done(const CommandResult& result, const std::string& what) {
        if (result.exit_status == 0) return;
        const std::string& said = result.err.empty() ? result.out : result.err;
        throw Error{ErrorCode::io,
                    fmt::format("{}: {}", what, printable(said.substr(0, said.find('\n')))),
                    "is the system account there? entrepot share setup makes them"};
    }

    ProcessRunner& processes_;
    std::string smb_conf_;
    std::stop_token stop_;
};

}  // namespace

void sync_samba_accounts(ProcessRunner& processes, const std::filesystem::path& smb_conf,
                         const std::vector<SambaAccount>& accounts, std::stop_token stop) {
    Tools tools{processes, smb_conf, std::move(stop)};
    for (const std::string& name : tools.list()) {
        const bool is_wanted =
            std::any_of(accounts.begin(), accounts.end(),
                        [&](const SambaAccount& account) { return account.name == name; });
        if (!is_wanted) tools.remove(name);
    }
    for (const SambaAccount& account : accounts)
        tools.set(account);
}

}  // namespace entrepot::share
