// Logging in over HTTP (wsman 11): Basic and certificates with each request; Negotiate by empty
// POSTs, after which the connection itself is logged in and can seal.
#include "exporter/wsman/session.h"

#include "base/error.h"
#include "exporter/wsman/channel_binding.h"
#include "exporter/wsman/http_date.h"
#include "exporter/wsman/kerberos_ticket.h"
#include "exporter/wsman/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace entrepot::wsman {
namespace {

constexpr int kUnauthorized = 401;
constexpr int kLoginsMax = 2;  // For one request.
constexpr std::string_view kContentType = "application/soap+xml;charset=UTF-8";
constexpr std::string_view kNegotiate = "Negotiate";
constexpr std::string_view kKerberos = "Kerberos";
constexpr const char* kMutualProfile =
    "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual";
constexpr std::chrono::minutes kClockSkewMax{5};  // Kerberos.

std::string lower(std::string_view text) {
    std::string out{text};
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

bool offers(const HttpAnswer& answer, std::string_view scheme) {
    const auto schemes = offered_schemes(answer);
    return std::find(schemes.begin(), schemes.end(), lower(scheme)) != schemes.end();
}

std::string join(const std::vector<std::string>& words) {
    return words.empty() ? "nothing" : fmt::format("{}", fmt::join(words, ", "));
}

// The token behind the scheme's name; empty if there is none.
Bytes token_of(const HttpAnswer& answer, std::string_view scheme) {
    for (const std::string& value : answer.header_values("www-authenticate")) {
        const std::size_t space = value.find(' ');
        if (space == std::string::npos || lower(value.substr(0, space)) != lower(scheme)) continue;
        if (value.size() > limits::kLoginTokenBytesMax) {
            throw Error{ErrorCode::protocol, "the host's login token is too long"};
        }
        try {
            const std::size_t start = value.find_first_not_of(' ', space);
            return start == std::string::npos ? Bytes{} : from_base64(value.substr(start));
        } catch (const Error&) {
            throw Error{ErrorCode::protocol, "the host's login token is not base64"};
        }
    }
    return {};
}

constexpr const char* kNegotiateHint =
    "Wrong password, an expired, locked or disabled account, NTLM forbidden by policy, or a proxy "
    "that ends TLS while the host wants channel binding. It was asked once, so that nothing is "
    "locked out.";
constexpr const char* kKerberosHint =
    "The KDC gave a ticket, and the host refuses it: it may belong to another account than the "
    "host's (try --spn WSMAN or --spn host), the account may not be allowed to log on from the "
    "network, or a proxy ends TLS while the host wants channel binding.";
constexpr const char* kBasicHint =
    "Wrong password, or a domain account (Basic knows local accounts only). It was asked once, so "
    "that nothing is locked out.";
constexpr const char* kCertificateHint =
    "Certificate must be on in winrm/config/service/auth, its issuer trusted by the host, and an "
    "entry of winrm/config/service/certmapping must map its UPN to a local account.";

void expect_login_answer(const HttpAnswer& answer) {
    const bool is_success = answer.status >= 200 && answer.status < 300;
    if (is_success || answer.status == kUnauthorized) return;
    if (answer.status == 503) {
        throw Error{ErrorCode::busy, "the host answers HTTP 503 to the login",
                    "Is the service WinRM running on the host?"};
    }
    throw Error{ErrorCode::protocol,
                fmt::format("the host answers HTTP {} to the login", answer.status),
                "Is this the address of WinRM, as in https://HOST:5986/wsman?"};
}

void replace_header(HttpAnswer& answer, std::string_view name, const std::string& value) {
    for (HttpHeader& header : answer.headers) {
        if (header.name == name) header.value = value;
    }
}

// Whether NTLM may do where Kerberos failed. Not after a refusal: that would be a second attempt.
bool may_use_ntlm_after(LoginFailure failure) {
    switch (failure) {
        case LoginFailure::no_realm:
        case LoginFailure::kdc_unreachable:
        case LoginFailure::user_unknown:
        case LoginFailure::service_unknown:
        case LoginFailure::clock_skew:
            return true;
        default:  // Also what a later version may add: asking once too little harms nobody.
            return false;
    }
}

std::string who(const Credentials& credentials) {
    if (credentials.scheme == Scheme::certificate) return "client certificate";
    if (!credentials.user.empty()) return "user " + credentials.user;
    return credentials.keytab.empty() ? "owner of our ticket" : "owner of the keytab";
}

bool needs_login(Scheme scheme) {
    return scheme != Scheme::basic && scheme != Scheme::certificate;
}

}  // namespace

/// A context that has not spoken yet, and the HTTP scheme that it speaks under.
struct Session::Login {
    std::unique_ptr<SecurityContext> context;
    std::string_view scheme;
    bool is_kerberos = false;
};

Session::Session(Clock& clock, Transport& transport, Credentials credentials,
                 SecurityContextMaker make_context)
    : clock_(clock),
      transport_(transport),
      credentials_(std::move(credentials)),
      make_context_(std::move(make_context)) {}

bool Session::seals() const {
    return credentials_.sealing == Sealing::always || !transport_.is_encrypted();
}

void Session::forget_login() {
    is_logged_in_ = false;
    context_.reset();
}

HttpAnswer Session::post(const std::string& envelope, std::stop_token stop, Resend resend) {
    if (was_refused_) {
        throw LoginError{
            LoginFailure::held_back, ErrorCode::unauthenticated,
            fmt::format("the host has refused the {} before", who(credentials_)),
            "It is not asked again on this connection, so that nothing is locked out."};
    }
    try {
        return needs_login(credentials_.scheme) ? post_logged_in(envelope, stop, resend)
                                                : post_without_login(envelope, stop);
    } catch (const LoginError& error) {
        const bool is_news = error.failure() != LoginFailure::held_back;
        if (gate_ != nullptr && is_news && is_refusal(error.failure())) {
            gate_->note_refusal(error.message());
        }
        throw;
    }
}

HttpAnswer Session::post_logged_in(const std::string& envelope, std::stop_token stop,
                                   Resend resend) {
    // The host closes idle connections, and with them the login. A 401 says that nothing was done.
    HttpAnswer answer;
    for (int attempt = 0; attempt < kLoginsMax; ++attempt) {
        if (!is_logged_in_) log_in(stop);
        answer = send(envelope, stop);
        if (answer.status != kUnauthorized) return answer;
        forget_login();
        if (resend == Resend::forbidden_without_tls && !transport_.is_encrypted()) {
            throw Error{ErrorCode::unreachable,
                        "the host seems to have forgotten the login, which without TLS anybody "
                        "on the way could pretend"};
        }
    }
    if (answer.is_new_connection) {
        throw LoginError{LoginFailure::connection_closed, ErrorCode::unreachable,
                         "the host closes each connection after the login"};
    }
    refuse(LoginFailure::refused_afterwards, answer,
           "The login went well, and the request after it was refused all the same.");
}

bool Session::is_doubtful() const {
    return last_used_ && clock_.steady_now() - *last_used_ > limits::kIdleDoubtful;
}

void Session::refuse(LoginFailure failure, const HttpAnswer& answer, std::string hint) {
    was_refused_ = true;
    const auto date = parse_http_date(answer.header("date").value_or(""));
    if (date) {
        const auto skew = *date - clock_.wall_now();
        const bool is_far = skew > kClockSkewMax || skew < -kClockSkewMax;
        const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(skew).count();
        if (is_far) {
            hint = fmt::format("The host's clock is {} minutes {} ours; Kerberos allows five. {}",
                               minutes < 0 ? -minutes : minutes, minutes < 0 ? "behind" : "before",
                               hint);
        }
    }
    if (!login_way_.why_no_kerberos.empty()) {
        hint += fmt::format(" NTLM was used because of this: {}", login_way_.why_no_kerberos);
    }
    throw LoginError{failure, ErrorCode::unauthenticated,
                     fmt::format("the host does not accept the {}; it offers {}", who(credentials_),
                                 join(offered_schemes(answer))),
                     hint};
}

HttpAnswer Session::post_without_login(const std::string& envelope, std::stop_token stop) {
    if (seals()) {
        throw LoginError{
            LoginFailure::cannot_seal, ErrorCode::invalid,
            "this way to log in cannot encrypt messages",
            "Basic and certificates need the HTTPS listener, as in "
            "https://HOST:5986/wsman; over plain HTTP use negotiate, kerberos or ntlm."};
    }
    if (gate_ != nullptr) gate_->check_login();
    HttpAnswer answer = send(envelope, stop);
    const bool is_certificate = credentials_.scheme == Scheme::certificate;
    const bool is_refused =
        answer.status == kUnauthorized || (is_certificate && answer.status == 403);
    if (!is_refused) {
        if (gate_ != nullptr) gate_->note_login();
        return answer;
    }
    if (is_certificate) refuse(LoginFailure::certificate_refused, answer, kCertificateHint);
    if (offers(answer, "basic")) refuse(LoginFailure::refused, answer, kBasicHint);
    refuse(LoginFailure::scheme_off, answer,
           "Basic is off in winrm/config/service/auth on the host; --auth negotiate needs no "
           "change there.");
}

HttpRequest Session::make_request(const std::string& envelope) {
    HttpRequest request;
    request.timeout = limits::kRequestTimeout;
    request.headers.push_back({"Content-Type", std::string{kContentType}});
    request.body = envelope;
    if (credentials_.scheme == Scheme::basic) {
        const std::string pair =
            fmt::format("{}:{}", credentials_.user, credentials_.password.reveal_text());
        request.headers.push_back({"Authorization", "Basic " + to_base64(as_bytes(pair))});
    }
    if (credentials_.scheme == Scheme::certificate) {
        request.headers.push_back({"Authorization", kMutualProfile});
    }
    return request;
}

HttpRequest Session::seal_request(const HttpRequest& plain) {
    HttpRequest request;
    request.timeout = plain.timeout;
    request.headers.push_back({"Content-Type", sealed_content_type(seal_protocol_)});
    request.body = write_sealed_body(context_->seal(as_bytes(plain.body)), seal_protocol_,
                                     credentials_.inner_headers);
    return request;
}

// Sends `request`, which is `plain` or what was made of it, and opens the answer.
HttpAnswer Session::exchange(const HttpRequest& plain, const HttpRequest& request,
                             std::stop_token stop) {
    try {
        HttpAnswer answer = transport_.exchange(request, stop);
        last_used_ = clock_.steady_now();
        open_answer(answer);
        if (observer_ != nullptr) observer_->on_answer(plain, answer);
        return answer;
    } catch (const Error& error) {
        if (observer_ != nullptr) observer_->on_failure(plain, error);
        throw;
    }
}

HttpAnswer Session::send(const std::string& envelope, std::stop_token stop) {
    try {
        const HttpRequest plain = make_request(envelope);
        return exchange(plain, seals() ? seal_request(plain) : plain, stop);
    } catch (const Error&) {
        // The state of the connection, and of the seals' numbers, is not known any more.
        forget_login();
        transport_.disconnect();
        throw;
    }
}

void Session::open_answer(HttpAnswer& answer) {
    const std::string type = answer.header("content-type").value_or("");
    if (!is_sealed_content_type(type)) {
        // During the login there is nothing to seal with yet.
        const bool is_believed = !seals() || context_ == nullptr ||
                                 answer.status == kUnauthorized || answer.body.empty();
        if (is_believed) return;
        throw Error{ErrorCode::protocol,
                    fmt::format("the host answers HTTP {} without encryption to a sealed request; "
                                "what it says is not believed",
                                answer.status)};
    }
    if (context_ == nullptr) {
        throw Error{ErrorCode::protocol, "the host seals its answer without a login"};
    }
    const SealedBody body = decode_sealed_body(type, answer.body);
    const Bytes plain = context_->unseal(body.message);
    const std::size_t sealed_size = body.message.payload.size();
    const bool fits = plain.size() <= sealed_size &&
                      sealed_size - plain.size() <= limits::kSealPaddingBytesMax &&
                      body.length >= plain.size() && body.length <= sealed_size;
    if (!fits) {
        throw Error{ErrorCode::protocol,
                    fmt::format("the host announces {} sealed bytes and sends {}", body.length,
                                plain.size())};
    }
    answer.body = as_text(plain);
    replace_header(answer, "content-type", body.content_type);
}

HttpAnswer Session::send_leg(const std::string& authorization, std::stop_token stop) {
    HttpRequest request;
    request.headers.push_back({"Content-Type", std::string{kContentType}});
    if (!authorization.empty()) request.headers.push_back({"Authorization", authorization});
    request.timeout = limits::kRequestTimeout;
    HttpAnswer answer = exchange(request, request, stop);
    expect_login_answer(answer);
    return answer;
}

std::unique_ptr<SecurityContext> Session::make_context(Mechanism mechanism) {
    const bool binds = credentials_.channel_binding == ChannelBinding::sent;
    return make_context_(
        {.mechanism = mechanism,
         .user = credentials_.user,
         .password = credentials_.password,
         .target_host = credentials_.target_host,
         .channel_binding = binds ? tls_server_end_point(transport_.peer_certificate()) : Bytes{},
         .keytab = credentials_.keytab,
         .service = credentials_.service});
}

Session::Login Session::prepare_negotiate() {
    login_way_.why_no_kerberos.clear();
    const bool has_password = !credentials_.password.empty();
    const bool tries_kerberos =
        !has_password ||
        is_kerberos_likely(credentials_.user, credentials_.target_host, credentials_.service);
    if (tries_kerberos) {
        try {
            return {make_context(Mechanism::spnego_kerberos), kNegotiate, true};
        } catch (const LoginError& error) {
            if (!has_password || !may_use_ntlm_after(error.failure())) throw;
            login_way_.why_no_kerberos = error.message();
        }
    }
    return {make_context(Mechanism::spnego_ntlm), kNegotiate, false};
}

Session::Login Session::prepare_login(const HttpAnswer& first) {
    const bool has_negotiate = first.status != kUnauthorized || offers(first, kNegotiate);
    const bool wants_kerberos = credentials_.scheme == Scheme::kerberos;
    if (!has_negotiate && wants_kerberos && offers(first, kKerberos)) {
        return {make_context(Mechanism::kerberos), kKerberos, true};
    }
    if (!has_negotiate) {
        throw LoginError{
            LoginFailure::scheme_off, ErrorCode::unauthenticated,
            fmt::format("the host does not offer Negotiate, but {}", join(offered_schemes(first))),
            "Switch Negotiate on in winrm/config/service/auth on the host."};
    }
    if (wants_kerberos) return {make_context(Mechanism::spnego_kerberos), kNegotiate, true};
    if (credentials_.scheme == Scheme::ntlm) {
        return {make_context(Mechanism::ntlm), kNegotiate, false};
    }
    return prepare_negotiate();
}

void Session::run_legs(const Login& login, std::stop_token stop) {
    SecurityContext& context = *login.context;
    Bytes token = context.step({});
    for (int leg = 1; leg <= limits::kLoginLegsMax && !is_logged_in_; ++leg) {
        const HttpAnswer answer =
            send_leg(fmt::format("{} {}", login.scheme, to_base64(token)), stop);
        if (leg > 1 && answer.is_new_connection) {
            throw LoginError{LoginFailure::connection_closed, ErrorCode::unreachable,
                             "the host closed the connection in the middle of the login"};
        }
        const Bytes from_host = token_of(answer, login.scheme);
        is_logged_in_ = answer.status != kUnauthorized;
        if (!is_logged_in_ && from_host.empty()) {
            if (login.is_kerberos) refuse(LoginFailure::ticket_refused, answer, kKerberosHint);
            refuse(LoginFailure::refused, answer, kNegotiateHint);
        }
        // The token of the last answer too: without it the context cannot seal.
        if (!from_host.empty()) token = context.step(from_host);
    }
    if (!is_logged_in_ || !context.is_complete()) {
        throw LoginError{LoginFailure::no_end, ErrorCode::protocol,
                         "the login with the host came to no end"};
    }
}

void Session::log_in(std::stop_token stop) {
    if (gate_ != nullptr) gate_->check_login();
    // An empty request without a login opens the connection, shows the certificate that the login
    // is bound to, and tells which schemes there are.
    forget_login();
    transport_.disconnect();
    try {
        Login login = prepare_login(send_leg({}, stop));
        run_legs(login, stop);
        seal_protocol_ = login.scheme == kKerberos ? SealProtocol::kerberos : SealProtocol::spnego;
        login_way_.is_kerberos = login.is_kerberos;
        context_ = std::move(login.context);
        if (gate_ != nullptr) gate_->note_login();
    } catch (const LoginError& error) {
        // Asking again with what the KDC has refused would lock the account.
        was_refused_ = was_refused_ || is_refusal(error.failure());
        forget_login();
        transport_.disconnect();
        throw;
    } catch (const Error&) {
        forget_login();
        transport_.disconnect();
        throw;
    }
}

}  // namespace entrepot::wsman
