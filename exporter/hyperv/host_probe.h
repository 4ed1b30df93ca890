// A host looked at layer by layer, for `host doctor` (architecture 5): what answers before anybody
// logs in, how the login goes, and what the account sees then. One connection, one login.
#pragma once

#include "exporter/hyperv/capabilities.h"
#include "exporter/hyperv/hyperv_host.h"

#include "base/clock.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace entrepot::hyperv {

/// What answers at the URL before anybody logs in.
struct HttpReport {
    int status = 0;
    std::string server{};  ///< Its Server header.
    std::string content_type{};
    std::string location{};  ///< Where a redirect leads.
    bool is_wsman = false;   ///< It answered Identify.
    std::string vendor{};
    std::vector<std::string> schemes{};  ///< Offered to a request without login, lower case.
    /// The host's clock before ours (negative: behind), as its Date header shows it.
    std::optional<std::chrono::milliseconds> clock_difference{};
};

struct LoginReport {
    bool is_kerberos = false;
    std::string why_no_kerberos{};
    std::string product_version{};  ///< "OS: 10.0.20348 SP: 0.0 Stack: 3.0"
};

/// Settings of the service WinRM, as far as the host shows them: to administrators only.
struct WinrmReport {
    std::optional<std::uint32_t> envelope_kib{};
    std::optional<std::uint32_t> timeout_ms{};
    std::optional<std::uint32_t> operations_per_user{};
    std::optional<std::uint32_t> connections{};
};

/// What tells that Hyper-V works, without rights on Hyper-V; nullopt for what is not shown.
struct ProcessReport {
    std::optional<std::string> vmms_state{};  ///< Win32_Service.State: "Running", "Stopped".
    std::optional<std::size_t> workers{};     ///< vmwp.exe: one for each VM that runs.
};

class HostProbe {
public:
    virtual ~HostProbe() = default;

    /// Throws Error{unreachable}, {timeout}, {untrusted}, {protocol}, {limit}, {cancelled}.
    virtual HttpReport ask_without_login() = 0;
    /// Shows our credentials once. Throws wsman::LoginError, besides the above.
    virtual LoginReport log_in() = 0;
    /// The same without telling which certificate we saw. That is one attempt more.
    virtual bool can_log_in_without_channel_binding() = 0;

    // After log_in(). All throw as HyperVHost.
    virtual WinrmReport read_winrm() = 0;
    virtual ProcessReport read_processes() = 0;
    virtual HostCapabilities read_capabilities() = 0;
    /// The host over the same connection.
    virtual HyperVHost& host() = 0;
};

/// Contacts nobody before the first call. Throws Error{invalid} and {unsupported} for a connection
/// that cannot be made.
std::unique_ptr<HostProbe> make_host_probe(const World& world, const Connection& connection,
                                           std::stop_token stop);

}  // namespace entrepot::hyperv
