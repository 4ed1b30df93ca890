// See host_login.h. Follows "who writes to the share" of the host reference: a global mapping is
// for the whole machine, vmms included; which identity vmms takes was never seen on a real host.
#include "appliance/share/host_login.h"

#include "appliance/share/samba_settings.h"
#include "appliance/share/unc.h"

#include <fmt/format.h>

namespace entrepot::share {
namespace {

// A text of PowerShell in which nothing is expanded.
std::string quote(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'') quoted += '\'';
        quoted += c;
    }
    return quoted + "'";
}

}  // namespace

std::vector<HostLoginStep> make_host_login(std::string_view unc, std::string_view account) {
    const std::string path = quote(unc);
    const std::string user =
        quote(fmt::format(R"({}\{})", make_server_name(server_of_unc(unc)), account));
    return {
        {"Forget an earlier mapping, if there is one",
         fmt::format("Remove-SmbGlobalMapping -RemotePath {} -Force -ErrorAction SilentlyContinue",
                     path)},
        {"Map the share for the whole machine; paste the password when it asks",
         fmt::format("New-SmbGlobalMapping -RemotePath {0} -Persistent $true -RequirePrivacy $true "
                     "-Credential (New-Object System.Management.Automation.PSCredential {1}, "
                     "(Read-Host -AsSecureString {2}))",
                     path, user, quote(fmt::format("Password of {}", account)))},
        {"See that it works: this shows one folder, the host's own",
         fmt::format("Get-ChildItem {}", path)},
    };
}

}  // namespace entrepot::share
