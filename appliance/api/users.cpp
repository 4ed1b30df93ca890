// Users: list, add, change, remove, links to a new password.
#include "appliance/api/decode.h"
#include "appliance/api/encode.h"
#include "appliance/api/paging.h"
#include "appliance/api/routes.h"

#include "base/error.h"

namespace entrepot::api {
namespace {

Json encode_user(const access::UserRecord& user) {
    return Json{{"name", user.name},
                {"role", to_string(user.role)},
                {"has_password", user.has_password},
                {"is_disabled", user.is_disabled},
                {"created", format_time(user.created)},
                {"password_changed", encode_time(user.password_changed)},
                {"last_sign_in", encode_time(user.last_sign_in)}};
}

Json encode_link(const access::NewLink& link) {
    return Json{{"token", link.token}, {"expires", format_time(link.expires)}};
}

Response list_users(const Request& request, access::Access& access) {
    Json entries = Json::array();
    for (const access::UserRecord& user : access.users.list())
        entries.push_back(encode_user(user));
    return Response::json(encode_page("users", std::move(entries), name_key, request));
}

Response add_user(const Request& request, access::Access& access) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const std::string name = reader.text("name");
    const Privilege role = access::role_from(reader.text("role"));
    const auto password = reader.find_text("password");
    reader.finish();
    std::optional<Secret> secret;
    if (password) secret = Secret{std::string_view{*password}};
    Json answer = encode_user(access.add_user(name, role, secret));
    answer["link"] = nullptr;
    if (!secret) answer["link"] = encode_link(access.make_user_link(name));
    return Response::created(answer, "/api/v1/users/" + encode_percent(name));
}

Response change_user(const Request& request, access::Access& access) {
    const std::string name = access.users.get(request.parameter("name")).name;
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const auto role = reader.find_text("role");
    const auto password = reader.find_text("password");
    const bool is_disabled = reader.flag_or("is_disabled", access.users.get(name).is_disabled);
    reader.finish();
    if (role) access.set_role(name, access::role_from(*role));
    if (password) access.set_password(name, Secret{std::string_view{*password}});
    access.set_disabled(name, is_disabled);
    return Response::json(encode_user(access.users.get(name)));
}

}  // namespace

void add_user_routes(Router& router, Services& services) {
    access::Access& access = services.access;
    router.add("listUsers", [&](const Request& request) { return list_users(request, access); });
    router.add("addUser", [&](const Request& request) { return add_user(request, access); });
    router.add("getUser", [&](const Request& request) {
        return Response::json(encode_user(access.users.get(request.parameter("name"))));
    });
    router.add("changeUser", [&](const Request& request) { return change_user(request, access); });
    router.add("removeUser", [&](const Request& request) {
        access.remove_user(request.parameter("name"));
        return Response::no_content();
    });
    router.add("makeUserLink", [&](const Request& request) {
        return Response::json(encode_link(access.make_user_link(request.parameter("name"))), 201);
    });
}

}  // namespace entrepot::api
