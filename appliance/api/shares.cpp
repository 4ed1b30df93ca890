// Shares that receive exports.
#include "appliance/api/decode.h"
#include "appliance/api/encode.h"
#include "appliance/api/routes.h"

namespace entrepot::api {
namespace {

Response list_shares(Services& services) {
    Json entries = Json::array();
    for (const auto& share : services.shares.list())
        entries.push_back(encode(share));
    return Response::json(encode_list("shares", std::move(entries)));
}

Response create_share(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const std::string name = reader.text("name");
    const std::string unc = reader.text("unc");
    const std::string path = reader.text("path");
    reader.finish();
    const auto share = services.shares.add(name, unc, path);
    return Response::created(encode(share), "/api/v1/shares/" + encode_percent(share.name));
}

}  // namespace

void add_share_routes(Router& router, Services& services) {
    router.add(Method::get, "/api/v1/shares", Privilege::viewer,
               [&](const Request&) { return list_shares(services); });
    router.add(Method::post, "/api/v1/shares", Privilege::administrator,
               [&](const Request& request) { return create_share(request, services); });
    router.add(Method::delete_, "/api/v1/shares/{name}", Privilege::administrator,
               [&](const Request& request) {
                   services.shares.remove(request.parameter("name"));
                   return Response::no_content();
               });
}

}  // namespace entrepot::api
