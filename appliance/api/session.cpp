// Signing in and out, giving the password again, changing it; who is signed in.
#include "appliance/api/session.h"

#include "appliance/api/access.h"
#include "appliance/api/decode.h"
#include "appliance/api/encode.h"
#include "appliance/api/paging.h"
#include "appliance/api/problem.h"
#include "appliance/api/routes.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::api {
namespace {

constexpr std::string_view kCookieAttributes = "Path=/; Secure; HttpOnly; SameSite=Strict";

Json encode_session(const access::Session& session) {
    return Json{{"id", session.id},
                {"csrf", session.csrf_token},
                {"user", session.user.name},
                {"privilege", to_string(session.user.privilege)},
                {"via", to_string(session.user.via)},
                {"expires", format_time(session.expires)}};
}

Json encode_listed(const access::Session& session, const Request& request) {
    return Json{{"id", session.id},
                {"user", session.user.name},
                {"address", session.origin.address},
                {"user_agent", session.origin.user_agent},
                {"begun", format_time(session.begun)},
                {"used", format_time(session.used)},
                {"expires", format_time(session.expires)},
                {"is_current", session.id == request.user.credential_id}};
}

Response refuse_password(const access::SignIn& result) {
    if (result.wait.count() > 0) return too_many_requests("too many tries", result.wait);
    return problem(
        Error{ErrorCode::unauthenticated, "the name or the password is wrong",
              "entrepot user link NAME on the appliance makes a link to a new password"});
}

Response create_session(const Request& request, access::Access& access) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const std::string name = reader.text("name");
    const Secret password{std::string_view{reader.text("password")}};
    reader.finish();
    const access::SignIn result = access.sign_in(name, password, origin_of(request));
    if (!result.session) return refuse_password(result);
    // The browser's former session, if any, must not live on unseen.
    access.sessions.end(cookie_value(request, kSessionCookie));
    return answer_with_session(*result.session);
}

Response show_session(const Request& request, access::Access& access) {
    const auto session = access.sessions.find(cookie_value(request, kSessionCookie));
    if (session) return Response::json(encode_session(*session));
    // Tokens and the local socket have a user without a session.
    return Response::json({{"id", ""},
                           {"csrf", ""},
                           {"user", request.user.name},
                           {"privilege", to_string(request.user.privilege)},
                           {"via", to_string(request.user.via)},
                           {"expires", nullptr}});
}

Response end_session(const Request& request, access::Access& access) {
    access.sessions.end(cookie_value(request, kSessionCookie));
    Response response = Response::no_content();
    response.headers["set-cookie"] =
        fmt::format("{}=; Max-Age=0; {}", kSessionCookie, kCookieAttributes);
    return response;
}

void require_session(const Request& request) {
    if (request.user.via == access::Via::session) return;
    throw Error{ErrorCode::conflict, "only somebody who signed in has a password to give"};
}

Response confirm_session(const Request& request, access::Access& access) {
    require_session(request);
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const Secret password{std::string_view{reader.text("password")}};
    reader.finish();
    const access::SignIn result = access.confirm(request.user, password, origin_of(request));
    if (result.wait.count() > 0) return refuse_password(result);
    if (!result.session) {
        return problem(Error{ErrorCode::access_denied, "the password is wrong"});
    }
    return Response::no_content();
}

Response change_password(const Request& request, access::Access& access) {
    require_session(request);
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const Secret old_password{std::string_view{reader.text("old_password")}};
    const Secret new_password{std::string_view{reader.text("new_password")}};
    reader.finish();
    const access::SignIn result = access.confirm(request.user, old_password, origin_of(request));
    if (result.wait.count() > 0) return refuse_password(result);
    if (!result.session) {
        return problem(Error{ErrorCode::access_denied, "the old password is wrong"});
    }
    access.set_password(request.user.name, new_password, request.user.credential_id);
    return Response::no_content();
}

bool may_see(const Request& request, const access::Session& session) {
    return request.user.privilege == Privilege::administrator ||
           (!request.user.user_id.empty() && session.user.user_id == request.user.user_id);
}

std::string session_key(const Json& session) {
    return session.at("begun").get<std::string>() + "/" + session.at("id").get<std::string>();
}

Response list_sessions(const Request& request, access::Access& access) {
    Json entries = Json::array();
    for (const access::Session& session : access.sessions.list()) {
        if (may_see(request, session)) entries.push_back(encode_listed(session, request));
    }
    return Response::json(encode_page("sessions", std::move(entries), session_key, request));
}

Response end_other_session(const Request& request, access::Access& access) {
    for (const access::Session& session : access.sessions.list()) {
        if (session.id != request.parameter("id") || !may_see(request, session)) continue;
        access.sessions.end_id(session.id);
        return Response::no_content();
    }
    // Somebody else's looks like none.
    throw Error{ErrorCode::not_found, "there is no such session"};
}

}  // namespace

Response answer_with_session(const access::Session& session) {
    Response response = Response::json(encode_session(session));
    response.headers["set-cookie"] =
        fmt::format("{}={}; {}", kSessionCookie, session.cookie, kCookieAttributes);
    return response;
}

void add_session_routes(Router& router, Services& services) {
    access::Access& access = services.access;
    router.add("getSession", [&](const Request& request) { return show_session(request, access); });
    router.add("createSession",
               [&](const Request& request) { return create_session(request, access); });
    router.add("deleteSession",
               [&](const Request& request) { return end_session(request, access); });
    router.add("confirmSession",
               [&](const Request& request) { return confirm_session(request, access); });
    router.add("changePassword",
               [&](const Request& request) { return change_password(request, access); });
    router.add("listSessions",
               [&](const Request& request) { return list_sessions(request, access); });
    router.add("endSession",
               [&](const Request& request) { return end_other_session(request, access); });
}

}  // namespace entrepot::api
