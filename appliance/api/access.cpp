// Cookie, origin and token checks of browser requests.
#include "appliance/api/access.h"

#include "base/error.h"

#include <openssl/crypto.h>

namespace entrepot::api {
namespace {

std::string header_value(const Request& request, std::string_view name) {
    const auto found = request.headers.find(std::string{name});
    return found == request.headers.end() ? std::string{} : found->second;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    return text;
}

}  // namespace

std::string cookie_value(const Request& request, std::string_view name) {
    const std::string header = header_value(request, "cookie");
    std::string_view rest = header;
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find(';'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos) continue;
        if (trim(pair.substr(0, equals)) == name) return std::string{trim(pair.substr(equals + 1))};
    }
    return {};
}

bool is_safe(Method method) {
    return method == Method::get;
}

void check_origin(const Request& request, std::string_view own_origin) {
    if (is_safe(request.method)) return;
    const std::string site = header_value(request, "sec-fetch-site");
    if (!site.empty() && site != "same-origin" && site != "none") {
        throw Error{ErrorCode::access_denied, "another site sent this request"};
    }
    const std::string origin = header_value(request, "origin");
    if (!origin.empty() && origin != own_origin) {
        throw Error{ErrorCode::access_denied, "this request comes from another origin"};
    }
}

User authenticate(const Request& request, SessionStore& sessions) {
    // Whoever opens a new link may still hold an old session, whose token the page does not know.
    if (request.method == Method::post && request.path == kSignInPath) return {};
    const std::string cookie = cookie_value(request, kSessionCookie);
    if (cookie.empty()) return {};
    const auto session = sessions.find(cookie);
    if (!session) return {};
    if (!is_safe(request.method) &&
        !equal_in_constant_time(header_value(request, kCsrfHeader), session->csrf_token)) {
        throw Error{ErrorCode::access_denied, "the request lacks the session's token",
                    "reload the page"};
    }
    return session->user;
}

}  // namespace entrepot::api
