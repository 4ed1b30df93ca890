// What lies below a login, each layer looked at by itself: the name, the port, TLS. No credential
// is sent, and nothing that a peer shows is trusted; it is reported.
#pragma once

#include "base/clock.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace entrepot::wsman {

enum class NameState {
    known,
    is_address,  ///< Nothing to look up.
    unknown,     ///< The resolver says that there is no such name.
    no_answer,   ///< No resolver answers.
};

struct NameReport {
    NameState state = NameState::known;
    std::vector<std::string> addresses{};
    std::string detail{};  ///< The resolver's words.
};

enum class PortState { open, refused, silent, unroutable };

struct PortReport {
    PortState state = PortState::open;
    std::string address{};  ///< The one that answered, or that was tried last.
    std::string detail{};   ///< What each address did.
};

enum class TlsState {
    established,
    too_old,    ///< The peer speaks TLS 1.1 or older only.
    not_tls,    ///< What answers is something else.
    hung_up,    ///< It closes the connection during the handshake.
    no_cipher,  ///< It and we have no way to encrypt in common, or it refuses for another reason.
    silent,
};

/// What speaks against a certificate, apart from its name and its dates.
enum class ChainState {
    trusted,
    self_signed,     ///< It vouches for itself, and nobody told us to believe it.
    unknown_issuer,  ///< No CA that we know has signed it.
    wrong_purpose,   ///< It is not meant for servers.
    other,
};

struct CertificateReport {
    std::string sha256{};  ///< Of its DER, in hex: what a pin is.
    std::string subject{};
    std::string issuer{};
    std::vector<std::string>
        names{};  ///< DNS names and addresses; the common name if there are none.
    WallTime not_before{};
    WallTime not_after{};
    bool is_for_host = false;  ///< One of its names is the host's.
    ChainState chain = ChainState::trusted;
    std::string chain_detail{};
};

struct TlsReport {
    TlsState state = TlsState::established;
    std::string protocol{};  ///< "TLSv1.3"
    std::string cipher{};
    std::string detail{};
    std::optional<CertificateReport> certificate{};
};

struct TlsQuestion {
    std::string host{};
    std::uint16_t port = 0;
    std::filesystem::path ca_file{};  ///< Empty: the system's.
};

/// An interface, so that tests can put a network of their own behind it. All calls are bounded in
/// time. Throws Error{cancelled}, Error{invalid} for a CA file that cannot be read.
class NetworkProbe {
public:
    virtual ~NetworkProbe() = default;
    /// May take as long as the system's resolver, which cannot be interrupted.
    virtual NameReport resolve(const std::string& host) = 0;
    virtual PortReport connect(const std::string& host, std::uint16_t port,
                               std::stop_token stop) = 0;
    virtual TlsReport shake_hands(const TlsQuestion& question, std::stop_token stop) = 0;
    /// The addresses of this machine.
    virtual std::vector<std::string> own_addresses() = 0;
};

/// The real network.
std::unique_ptr<NetworkProbe> make_network_probe();

}  // namespace entrepot::wsman
