// Shares that receive exports.
#include "appliance/api/decode.h"
#include "appliance/api/encode.h"
#include "appliance/api/paging.h"
#include "appliance/api/routes.h"
#include "appliance/config/config.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::api {
namespace {

// The port that Windows connects to; no other works for a host.
constexpr const char* kListenDefault = "0.0.0.0:445";

Json encode_health(const state::ShareRecord& share, Services& services) {
    if (!share.is_managed()) return nullptr;
    const share::SambaHealth health = services.managed_shares.health();
    Json lines = Json::array();
    for (const std::string& line : services.managed_shares.read_log_tail())
        lines.push_back(line);
    return Json{{"state", to_string(health.state)},        {"since", format_time(health.since)},
                {"message", text_or_null(health.message)}, {"hint", text_or_null(health.hint)},
                {"restarts", health.restart_count},        {"log", std::move(lines)}};
}

Json encode_free_bytes(const state::ShareRecord& share, Services& services) {
    try {
        return services.file_system.free_bytes(share.path);
    } catch (const Error&) {
        return nullptr;  // Not mounted, for one.
    }
}

Json encode_share(const state::ShareRecord& share, Services& services) {
    Json entry = encode(share);
    entry["free_bytes"] = encode_free_bytes(share, services);
    entry["server"] = encode_health(share, services);
    entry["accounts"] = Json::array();
    if (!share.is_managed()) return entry;
    for (const auto& account : services.managed_shares.list_accounts(share))
        entry["accounts"].push_back(encode(account));
    return entry;
}

Response list_shares(const Request& request, Services& services) {
    Json entries = Json::array();
    for (const auto& share : services.shares.list())
        entries.push_back(encode_share(share, services));
    return Response::json(encode_page("shares", std::move(entries), name_key, request));
}

// As ADDR:PORT with a port that somebody can be told of.
std::string checked_listener(const std::string& text) {
    const config::ListenAddress address = config::parse_listen_address(text);
    if (address.port == 0) {
        throw Error{ErrorCode::invalid, fmt::format("\"{:.80}\" has no port to listen at", text),
                    "hosts connect to port 445"};
    }
    const bool is_v6 = address.address.find(':') != std::string::npos;
    return is_v6 ? fmt::format("[{}]:{}", address.address, address.port)
                 : fmt::format("{}:{}", address.address, address.port);
}

Response create_share(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const std::string name = reader.text("name");
    const bool is_managed = reader.flag_or("managed", false);
    const std::string path = reader.text("path");
    state::ShareRecord share;
    if (is_managed) {
        const std::string unc = reader.text_or("unc", {});
        const std::string listen = reader.text_or("listen", kListenDefault);
        reader.finish();
        share = services.shares.add_managed(
            {.name = name, .unc = unc, .path = path, .listen = checked_listener(listen)});
        services.managed_shares.refresh();
    } else {
        const std::string unc = reader.text("unc");
        reader.finish();
        share = services.shares.add(name, unc, path);
    }
    services.log.info("share added", {{"share", share.name}, {"by", request.user.name}});
    return Response::created(encode_share(share, services),
                             "/api/v1/shares/" + encode_percent(share.name));
}

Response remove_share(const Request& request, Services& services) {
    const std::string& name = request.parameter("name");
    services.shares.remove(name);
    services.managed_shares.refresh();
    services.log.info("share removed", {{"share", name}, {"by", request.user.name}});
    return Response::no_content();
}

}  // namespace

void add_share_routes(Router& router, Services& services) {
    router.add("listShares",
               [&](const Request& request) { return list_shares(request, services); });
    router.add("addShare", [&](const Request& request) { return create_share(request, services); });
    router.add("removeShare",
               [&](const Request& request) { return remove_share(request, services); });
}

}  // namespace entrepot::api
