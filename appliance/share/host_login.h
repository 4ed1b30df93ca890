// What an administrator does on a Hyper-V host so that it writes to our share under its account.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace entrepot::share {

struct HostLoginStep {
    std::string title;
    std::string command;  ///< PowerShell, as an administrator of the host.
};

/// The password is asked for by the commands, so that it stays out of every history.
std::vector<HostLoginStep> make_host_login(std::string_view unc, std::string_view account);

}  // namespace entrepot::share
