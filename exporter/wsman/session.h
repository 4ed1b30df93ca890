// A transport that is logged in: sends SOAP and gets SOAP, logs in when it must.
#pragma once

#include "base/clock.h"
#include "base/secret.h"
#include "exporter/wsman/host_gate.h"
#include "exporter/wsman/login_error.h"
#include "exporter/wsman/recorder.h"
#include "exporter/wsman/sealed_body.h"
#include "exporter/wsman/security_context.h"
#include "exporter/wsman/transport.h"

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace entrepot::wsman {

/// `negotiate` is Kerberos where the user and the host are of a domain that answers, else NTLM.
enum class Scheme { basic, negotiate, ntlm, kerberos, certificate };

/// Without TLS every message is sealed, whatever is asked for.
enum class Sealing { where_needed, always };

/// Whether the login tells the host which certificate we saw. Without it a host that does not
/// insist takes the login all the same, which shows whether somebody ends TLS on the way.
enum class ChannelBinding { sent, left_out };

/// How the connection was logged in to.
struct LoginWay {
    bool is_kerberos = false;
    std::string why_no_kerberos{};  ///< Empty unless `negotiate` went over to NTLM.
};

/// Whether a request may be sent once more after a 401. Without TLS anybody can write one, also
/// after the host has acted: what acts is not sent again then.
enum class Resend { allowed, forbidden_without_tls };

struct Credentials {
    Scheme scheme = Scheme::negotiate;
    std::string user{};
    Secret password{};
    std::string target_host{};
    Secret keytab{};        ///< Content of a keytab; for Kerberos.
    std::string service{};  ///< "HTTP", "WSMAN", "host" or SERVICE/HOST; for Kerberos.
    Sealing sealing = Sealing::where_needed;
    InnerHeaders inner_headers = InnerHeaders::with_tab;
    ChannelBinding channel_binding = ChannelBinding::sent;
};

using SecurityContextMaker =
    std::function<std::unique_ptr<SecurityContext>(const SecurityContextOptions&)>;

/// Not safe to share between threads: one connection carries one request.
class Session {
public:
    Session(Clock& clock, Transport& transport, Credentials credentials,
            SecurityContextMaker make_context = make_security_context);

    /// Posts a SOAP envelope and returns the answer in plain text with its status, which is not
    /// 401. Logs in first where the connection is new, and once more if the host has forgotten us.
    /// Throws LoginError when that comes to nothing, besides the transport's.
    HttpAnswer post(const std::string& envelope, std::stop_token stop,
                    Resend resend = Resend::allowed);
    /// True if the connection may have been closed by the host meanwhile.
    bool is_doubtful() const;
    /// Of the last login by tokens that went well.
    const LoginWay& login_way() const { return login_way_; }
    /// Tells `observer`, which must live as long as the session, of all that passes from now on.
    void observe(ExchangeObserver& observer) { observer_ = &observer; }
    /// Asks `gate`, which must live as long as the session, before each login, and tells it what
    /// came of it.
    void share(HostGate& gate) { gate_ = &gate; }

private:
    struct Login;
    HttpAnswer post_logged_in(const std::string& envelope, std::stop_token stop, Resend resend);
    HttpAnswer send(const std::string& envelope, std::stop_token stop);
    HttpAnswer send_leg(const std::string& authorization, std::stop_token stop);
    HttpAnswer post_without_login(const std::string& envelope, std::stop_token stop);
    HttpRequest make_request(const std::string& envelope);
    HttpRequest seal_request(const HttpRequest& plain);
    HttpAnswer exchange(const HttpRequest& plain, const HttpRequest& request, std::stop_token stop);
    void open_answer(HttpAnswer& answer);
    void log_in(std::stop_token stop);
    Login prepare_login(const HttpAnswer& first);
    std::unique_ptr<SecurityContext> make_context(Mechanism mechanism);
    Login prepare_negotiate();
    void run_legs(const Login& login, std::stop_token stop);
    [[noreturn]] void refuse(LoginFailure failure, const HttpAnswer& answer, std::string hint);
    void forget_login();
    bool seals() const;

    Clock& clock_;
    Transport& transport_;
    Credentials credentials_;
    SecurityContextMaker make_context_;
    std::unique_ptr<SecurityContext> context_;  ///< Of the login that the connection has now.
    SealProtocol seal_protocol_ = SealProtocol::spnego;
    LoginWay login_way_;
    bool is_logged_in_ = false;
    bool was_refused_ = false;
    std::optional<SteadyTime> last_used_;
    ExchangeObserver* observer_ = nullptr;
    HostGate* gate_ = nullptr;
};

}  // namespace entrepot::wsman
