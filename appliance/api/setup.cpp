// One-time links: the first administrator, and passwords that users choose themselves.
#include "appliance/api/access.h"
#include "appliance/api/decode.h"
#include "appliance/api/routes.h"
#include "appliance/api/session.h"

namespace entrepot::api {
namespace {

Response look_at_link(const Request& request, access::Access& access) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const std::string token = reader.text("token");
    reader.finish();
    const access::LinkPurpose purpose = access.look_at_link(token);
    Json user = nullptr;
    if (!purpose.is_setup) user = purpose.user_name;
    return Response::json({{"is_setup", purpose.is_setup}, {"user", std::move(user)}});
}

Response redeem_link(const Request& request, access::Access& access) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const std::string token = reader.text("token");
    const std::string name = reader.text_or("name", "");
    const Secret password{std::string_view{reader.text("password")}};
    reader.finish();
    const access::Session session = access.redeem_link(token, name, password, origin_of(request));
    access.sessions.end(cookie_value(request, kSessionCookie));
    return answer_with_session(session);
}

}  // namespace

void add_setup_routes(Router& router, Services& services) {
    access::Access& access = services.access;
    router.add("lookAtLink", [&](const Request& request) { return look_at_link(request, access); });
    router.add("redeemLink", [&](const Request& request) { return redeem_link(request, access); });
    router.add("makeSetupLink", [&](const Request&) {
        const access::NewLink link = access.make_setup_link();
        return Response::json({{"token", link.token}, {"expires", format_time(link.expires)}}, 201);
    });
}

}  // namespace entrepot::api
