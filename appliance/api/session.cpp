// Signing in with the one-time link, and out.
#include "appliance/api/access.h"
#include "appliance/api/decode.h"
#include "appliance/api/encode.h"
#include "appliance/api/routes.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::api {
namespace {

constexpr std::string_view kCookieAttributes = "Path=/; Secure; HttpOnly; SameSite=Strict";

Json encode_session(const Session& session) {
    return Json{{"csrf", session.csrf_token},
                {"privilege", to_string(session.user.privilege)},
                {"expires", format_time(session.expires)}};
}

Response create_session(const Request& request, SessionStore& sessions) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const std::string token = reader.text("token");
    reader.finish();
    const Session session = sessions.exchange(token);
    Response response = Response::json(encode_session(session));
    response.headers["set-cookie"] =
        fmt::format("{}={}; {}", kSessionCookie, session.cookie, kCookieAttributes);
    return response;
}

Response show_session(const Request& request, SessionStore& sessions) {
    const auto session = sessions.find(cookie_value(request, kSessionCookie));
    if (session) return Response::json(encode_session(*session));
    // The local socket has a user without a session.
    return Response::json(
        {{"csrf", ""}, {"privilege", to_string(request.user.privilege)}, {"expires", nullptr}});
}

Response end_session(const Request& request, SessionStore& sessions) {
    sessions.end(cookie_value(request, kSessionCookie));
    Response response = Response::no_content();
    response.headers["set-cookie"] =
        fmt::format("{}=; Max-Age=0; {}", kSessionCookie, kCookieAttributes);
    return response;
}

}  // namespace

void add_session_routes(Router& router, Services& services) {
    SessionStore& sessions = services.sessions;
    router.add(Method::get, "/api/v1/session", Privilege::viewer,
               [&](const Request& request) { return show_session(request, sessions); });
    router.add(Method::post, "/api/v1/session", Privilege::none,
               [&](const Request& request) { return create_session(request, sessions); });
    router.add(Method::delete_, "/api/v1/session", Privilege::viewer,
               [&](const Request& request) { return end_session(request, sessions); });
}

}  // namespace entrepot::api
