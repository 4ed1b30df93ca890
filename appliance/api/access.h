// Who a request over the network is from, and whether a browser was tricked into sending it.
#pragma once

#include "appliance/api/request.h"
#include "appliance/api/sessions.h"

#include <string>
#include <string_view>

namespace entrepot::api {

/// The "__Host-" prefix makes browsers insist on Secure, Path=/ and no Domain.
inline constexpr std::string_view kSessionCookie = "__Host-entrepot";
/// In lower case, as request headers are kept.
inline constexpr std::string_view kCsrfHeader = "x-entrepot-csrf";

/// Spends a one-time link; the only changing request that needs no session.
inline constexpr std::string_view kSignInPath = "/api/v1/session";

/// The value of a cookie; empty if absent.
std::string cookie_value(const Request& request, std::string_view name);

/// True for methods that change nothing.
bool is_safe(Method method);

/// Refuses with Error{access_denied} a changing request that another site made the browser send:
/// Sec-Fetch-Site must be same-origin or none, Origin must be `own_origin`, where they are present.
void check_origin(const Request& request, std::string_view own_origin);

/// The user of the request's cookie, or nobody. A changing request with a session must repeat the
/// session's token in kCsrfHeader: Error{access_denied}.
User authenticate(const Request& request, SessionStore& sessions);

}  // namespace entrepot::api
