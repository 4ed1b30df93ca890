// A transport that is logged in: sends SOAP and gets SOAP, logs in when it must.
#pragma once

#include "base/clock.h"
#include "base/secret.h"
#include "exporter/wsman/security_context.h"
#include "exporter/wsman/transport.h"

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace entrepot::wsman {

enum class Scheme { basic, negotiate, ntlm };

struct Credentials {
    Scheme scheme = Scheme::negotiate;
    std::string user;
    Secret password;
    std::string target_host;
};

using SecurityContextMaker =
    std::function<std::unique_ptr<SecurityContext>(const SecurityContextOptions&)>;

/// Not safe to share between threads: one connection carries one request.
class Session {
public:
    Session(Clock& clock, Transport& transport, Credentials credentials,
            SecurityContextMaker make_context = make_security_context);

    /// Posts a SOAP envelope and returns the answer with its status, which is not 401. Logs in
    /// first where the connection is new, and once more if the host has forgotten us. Throws
    /// Error{unauthenticated} when the host does not accept the account, besides the transport's.
    HttpAnswer post(const std::string& envelope, std::stop_token stop);
    /// True if the connection may have been closed by the host meanwhile.
    bool is_doubtful() const;

private:
    HttpAnswer send(const std::string& envelope, std::stop_token stop);
    void log_in(std::stop_token stop);
    HttpAnswer send_leg(const std::string& authorization, std::stop_token stop);
    HttpAnswer post_basic(const std::string& envelope, std::stop_token stop);

    Clock& clock_;
    Transport& transport_;
    Credentials credentials_;
    SecurityContextMaker make_context_;
    bool is_logged_in_ = false;
    bool was_refused_ = false;
    std::optional<SteadyTime> last_used_;
};

}  // namespace entrepot::wsman
