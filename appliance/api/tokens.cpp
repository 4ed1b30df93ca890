// API tokens: list, add, revoke.
#include "appliance/api/decode.h"
#include "appliance/api/encode.h"
#include "appliance/api/paging.h"
#include "appliance/api/routes.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::api {
namespace {

constexpr std::uint64_t kTokenDaysDefault = 90;
constexpr std::uint64_t kDaysMax = 366;

Json encode_token(const access::TokenRecord& token, access::Access& access, WallTime now) {
    const auto owner = access.users.find_id(token.draft.user_id);
    return Json{{"id", token.id},
                {"name", token.draft.name},
                {"user", owner ? Json(owner->name) : Json(nullptr)},
                {"role", to_string(token.draft.role)},
                {"may_destroy", token.draft.may_destroy},
                {"created", format_time(token.created)},
                {"expires", format_time(token.draft.expires)},
                {"is_ended", token.draft.expires <= now},
                {"last_used", encode_time(token.last_used)}};
}

bool may_see(const Request& request, const access::TokenRecord& token) {
    return request.user.privilege == Privilege::administrator ||
           (!request.user.user_id.empty() && token.draft.user_id == request.user.user_id);
}

std::string token_key(const Json& token) {
    return token.at("created").get<std::string>() + "/" + token.at("id").get<std::string>();
}

Response list_tokens(const Request& request, Services& services) {
    Json entries = Json::array();
    for (const access::TokenRecord& token : services.access.tokens.list()) {
        if (!may_see(request, token)) continue;
        entries.push_back(encode_token(token, services.access, services.clock.wall_now()));
    }
    return Response::json(encode_page("tokens", std::move(entries), token_key, request));
}

Response add_token(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    access::TokenDraft draft;
    draft.name = reader.text("name");
    draft.role = access::role_from(reader.text("role"));
    draft.may_destroy = reader.flag_or("may_destroy", false);
    const std::uint64_t days = reader.count_or("days", kTokenDaysDefault, kDaysMax);
    reader.finish();
    // A token that makes tokens would outlive its own end.
    if (request.user.via == access::Via::token) {
        throw Error{ErrorCode::access_denied, "a token cannot make another one"};
    }
    if (draft.role > request.user.privilege) {
        throw Error{ErrorCode::access_denied, "a token cannot do more than who makes it",
                    fmt::format("you are {}", to_string(request.user.privilege))};
    }
    draft.user_id = request.user.user_id;
    draft.expires = services.clock.wall_now() + std::chrono::days{days};
    const access::NewToken token = services.access.tokens.add(draft);
    Json answer = encode_token(token.record, services.access, services.clock.wall_now());
    answer["secret"] = token.secret;
    return Response::created(answer, "/api/v1/tokens");
}

Response revoke_token(const Request& request, Services& services) {
    const auto token = services.access.tokens.find_id(request.parameter("id"));
    if (!token || !may_see(request, *token)) {
        throw Error{ErrorCode::not_found, "there is no such token",
                    "entrepot token list shows them"};
    }
    services.access.tokens.revoke(token->id);
    return Response::no_content();
}

}  // namespace

void add_token_routes(Router& router, Services& services) {
    router.add("listTokens",
               [&](const Request& request) { return list_tokens(request, services); });
    router.add("addToken", [&](const Request& request) { return add_token(request, services); });
    router.add("revokeToken",
               [&](const Request& request) { return revoke_token(request, services); });
}

}  // namespace entrepot::api
