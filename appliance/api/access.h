// Who a request over the network is from, and whether a browser was tricked into sending it.
#pragma once

#include "appliance/access/access.h"
#include "appliance/api/request.h"

#include <string>
#include <string_view>

namespace entrepot::api {

/// The "__Host-" prefix makes browsers insist on Secure, Path=/ and no Domain.
inline constexpr std::string_view kSessionCookie = "__Host-entrepot";
/// In lower case, as request headers are kept.
inline constexpr std::string_view kCsrfHeader = "x-entrepot-csrf";

/// The value of a cookie; empty if absent.
std::string cookie_value(const Request& request, std::string_view name);

/// True for methods that change nothing.
bool is_safe(Method method);

/// Refuses with Error{access_denied} a changing request that another site made the browser send:
/// Sec-Fetch-Site must be same-origin or none, Origin must be `own_origin`, where they are present.
/// A request with a token is refused from another origin whatever it asks for.
void check_origin(const Request& request, std::string_view own_origin);

/// A body over the network is JSON and says so: what a form can send is refused with
/// Error{unsupported}.
void check_content_type(const Request& request);

/// The user of the request's token or cookie, or nobody. A changing request with a session must
/// repeat the session's token in kCsrfHeader: Error{access_denied}. A token that is not one of
/// ours: Error{unauthenticated}; together with a session's cookie: Error{invalid}.
User authenticate(const Request& request, access::Access& access);

/// Where a request came from, for the list of sessions.
access::Origin origin_of(const Request& request);

}  // namespace entrepot::api
