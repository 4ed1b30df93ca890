// Cookie, origin and token checks of browser requests.
#include "appliance/api/access.h"

#include "appliance/access/secret_text.h"

#include "base/error.h"

#include <algorithm>
#include <array>

namespace entrepot::api {
namespace {

constexpr std::string_view kTokenScheme = "Bearer ";
constexpr std::array<std::string_view, 3> kEntrances{"/api/v1/session", "/api/v1/setup",
                                                     "/api/v1/setup/look"};

std::string_view trim(std::string_view text) {
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    return text;
}

}  // namespace

std::string cookie_value(const Request& request, std::string_view name) {
    const std::string header = request.header("cookie");
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

namespace {

User authenticate_token(const Request& request, access::Access& access) {
    const std::string header = request.header("authorization");
    if (!cookie_value(request, kSessionCookie).empty()) {
        throw Error{ErrorCode::invalid, "a token and a session's cookie in one request"};
    }
    std::optional<User> user;
    if (header.starts_with(kTokenScheme)) {
        user = access.find_token_user(std::string_view{header}.substr(kTokenScheme.size()));
    }
    if (user) return *user;
    throw Error{ErrorCode::unauthenticated, "this token is unknown, was revoked, or has ended",
                "entrepot token add makes one"};
}

}  // namespace

bool is_safe(Method method) {
    return method == Method::get;
}

void check_origin(const Request& request, std::string_view own_origin) {
    const bool has_token = request.headers.contains("authorization");
    if (is_safe(request.method) && !has_token) return;
    const std::string site = request.header("sec-fetch-site");
    if (!site.empty() && site != "same-origin" && site != "none") {
        throw Error{ErrorCode::access_denied, "another site sent this request"};
    }
    const std::string origin = request.header("origin");
    if (!origin.empty() && origin != own_origin) {
        throw Error{ErrorCode::access_denied, "this request comes from another origin"};
    }
}

void check_content_type(const Request& request) {
    if (request.body.empty()) return;
    const std::string type = request.header("content-type");
    if (trim(std::string_view{type}.substr(0, type.find(';'))) == "application/json") return;
    throw Error{ErrorCode::unsupported, "the body is not said to be JSON",
                "send it with Content-Type: application/json"};
}

User authenticate(const Request& request, access::Access& access) {
    if (request.headers.contains("authorization")) return authenticate_token(request, access);
    // Whoever signs in or opens a new link may still hold an old session, whose token the page
    // does not know.
    const bool is_entrance =
        request.method == Method::post &&
        std::find(kEntrances.begin(), kEntrances.end(), request.path) != kEntrances.end();
    if (is_entrance) return {};
    const std::string cookie = cookie_value(request, kSessionCookie);
    if (cookie.empty()) return {};
    const auto session = access.sessions.find(cookie);
    if (!session) return {};
    if (!is_safe(request.method) &&
        !access::equal_in_constant_time(request.header(std::string{kCsrfHeader}),
                                        session->csrf_token)) {
        throw Error{ErrorCode::access_denied, "the request lacks the session's token",
                    "reload the page"};
    }
    return session->user;
}

access::Origin origin_of(const Request& request) {
    return {request.peer, request.header("user-agent")};
}

}  // namespace entrepot::api
