// Logging in over HTTP (wsman 11): Basic with each request; Negotiate by empty POSTs, after which
// the connection itself is logged in.
#include "exporter/wsman/session.h"

#include "base/error.h"
#include "exporter/wsman/channel_binding.h"
#include "exporter/wsman/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace entrepot::wsman {
namespace {

constexpr int kUnauthorized = 401;
constexpr int kLoginsMax = 2;  // For one request.
constexpr std::string_view kContentType = "application/soap+xml;charset=UTF-8";
constexpr std::string_view kNegotiate = "negotiate";

std::string lower(std::string_view text) {
    std::string out{text};
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

// The schemes of an answer, each in lower case and without its parameters.
std::vector<std::string> offered_schemes(const HttpAnswer& answer) {
    std::vector<std::string> schemes;
    for (const std::string& value : answer.header_values("www-authenticate")) {
        schemes.push_back(lower(value.substr(0, value.find(' '))));
    }
    return schemes;
}

bool offers(const HttpAnswer& answer, std::string_view scheme) {
    const auto schemes = offered_schemes(answer);
    return std::find(schemes.begin(), schemes.end(), scheme) != schemes.end();
}

std::string join(const std::vector<std::string>& words) {
    return words.empty() ? "nothing" : fmt::format("{}", fmt::join(words, ", "));
}

// The token behind "Negotiate"; empty if there is none.
Bytes token_of(const HttpAnswer& answer) {
    for (const std::string& value : answer.header_values("www-authenticate")) {
        const std::size_t space = value.find(' ');
        if (space == std::string::npos || lower(value.substr(0, space)) != kNegotiate) continue;
        if (value.size() > limits::kLoginTokenBytesMax) {
            throw Error{ErrorCode::protocol, "the host's login token is too long"};
        }
        try {
            return from_base64(value.substr(value.find_first_not_of(' ', space)));
        } catch (const Error&) {
            throw Error{ErrorCode::protocol, "the host's login token is not base64"};
        }
    }
    return {};
}

Error refused(const std::string& user, const HttpAnswer& answer, const std::string& hint) {
    return Error{ErrorCode::unauthenticated,
                 fmt::format("the host does not accept the user {}; it offers {}", user,
                             join(offered_schemes(answer))),
                 hint};
}

constexpr const char* kNegotiateHint =
    "Wrong password, an expired, locked or disabled account, NTLM forbidden by policy, or a proxy "
    "that ends TLS while the host wants channel binding. It was asked once, so that nothing is "
    "locked out.";
constexpr const char* kBasicHint =
    "Wrong password, or a domain account (Basic knows local accounts only). It was asked once, so "
    "that nothing is locked out.";

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

}  // namespace

Session::Session(Clock& clock, Transport& transport, Credentials credentials,
                 SecurityContextMaker make_context)
    : clock_(clock),
      transport_(transport),
      credentials_(std::move(credentials)),
      make_context_(std::move(make_context)) {}

HttpAnswer Session::post(const std::string& envelope, std::stop_token stop) {
    if (was_refused_) {
        throw Error{ErrorCode::unauthenticated,
                    fmt::format("the host has refused the user {} before", credentials_.user),
                    "It is not asked again on this connection, so that nothing is locked out."};
    }
    if (credentials_.scheme == Scheme::basic) return post_basic(envelope, stop);

    // The host closes idle connections, and with them the login. A 401 says that nothing was done.
    HttpAnswer answer;
    for (int attempt = 0; attempt < kLoginsMax; ++attempt) {
        if (!is_logged_in_) log_in(stop);
        answer = send(envelope, stop);
        if (answer.status != kUnauthorized) return answer;
        is_logged_in_ = false;
    }
    if (answer.is_new_connection) {
        throw Error{ErrorCode::unreachable, "the host closes each connection after the login"};
    }
    was_refused_ = true;
    throw refused(credentials_.user, answer,
                  "The login went well, and the request after it was refused all the same.");
}

bool Session::is_doubtful() const {
    return last_used_ && clock_.steady_now() - *last_used_ > limits::kIdleDoubtful;
}

HttpAnswer Session::post_basic(const std::string& envelope, std::stop_token stop) {
    HttpAnswer answer = send(envelope, stop);
    if (answer.status != kUnauthorized) return answer;
    was_refused_ = true;
    const bool is_offered = offers(answer, "basic");
    throw refused(credentials_.user, answer,
                  is_offered ? kBasicHint
                             : "Basic is off in winrm/config/service/auth on the host; "
                               "--auth negotiate needs no change there.");
}

HttpAnswer Session::send(const std::string& envelope, std::stop_token stop) {
    HttpRequest request;
    request.headers.push_back({"Content-Type", std::string{kContentType}});
    if (credentials_.scheme == Scheme::basic) {
        const std::string pair =
            fmt::format("{}:{}", credentials_.user, credentials_.password.reveal_text());
        request.headers.push_back({"Authorization", "Basic " + to_base64(as_bytes(pair))});
    }
    request.body = envelope;
    request.timeout = limits::kRequestTimeout;
    try {
        HttpAnswer answer = transport_.exchange(request, stop);
        last_used_ = clock_.steady_now();
        return answer;
    } catch (const Error&) {
        // The state of the connection is not known any more.
        is_logged_in_ = false;
        transport_.disconnect();
        throw;
    }
}

HttpAnswer Session::send_leg(const std::string& authorization, std::stop_token stop) {
    HttpRequest request;
    request.headers.push_back({"Content-Type", std::string{kContentType}});
    if (!authorization.empty()) request.headers.push_back({"Authorization", authorization});
    request.timeout = limits::kRequestTimeout;
    HttpAnswer answer = transport_.exchange(request, stop);
    expect_login_answer(answer);
    return answer;
}

void Session::log_in(std::stop_token stop) {
    // An empty request without a login opens the connection, shows the certificate that the login
    // is bound to, and tells which schemes there are.
    transport_.disconnect();
    const HttpAnswer first = send_leg({}, stop);
    if (first.status == kUnauthorized && !offers(first, kNegotiate)) {
        throw Error{
            ErrorCode::unauthenticated,
            fmt::format("the host does not offer Negotiate, but {}", join(offered_schemes(first))),
            "Switch Negotiate on in winrm/config/service/auth on the host."};
    }
    const auto context =
        make_context_({.mechanism = credentials_.scheme == Scheme::ntlm ? Mechanism::ntlm
                                                                        : Mechanism::spnego_ntlm,
                       .user = credentials_.user,
                       .password = credentials_.password,
                       .target_host = credentials_.target_host,
                       .channel_binding = tls_server_end_point(transport_.peer_certificate())});
    Bytes token = context->step({});
    for (int leg = 1; leg <= limits::kLoginLegsMax && !is_logged_in_; ++leg) {
        HttpAnswer answer = send_leg("Negotiate " + to_base64(token), stop);
        if (leg > 1 && answer.is_new_connection) {
            throw Error{ErrorCode::unreachable,
                        "the host closed the connection in the middle of the login"};
        }
        const Bytes from_host = token_of(answer);
        is_logged_in_ = answer.status != kUnauthorized;
        if (!is_logged_in_ && from_host.empty()) {
            was_refused_ = true;
            throw refused(credentials_.user, answer, kNegotiateHint);
        }
        if (!from_host.empty()) token = context->step(from_host);
    }
    if (!is_logged_in_ || !context->is_complete()) {
        is_logged_in_ = false;
        transport_.disconnect();
        throw Error{ErrorCode::protocol, "the login with the host came to no end"};
    }
}

}  // namespace entrepot::wsman
