// The accounts of hosts on the shares that we serve ourselves. A password leaves us once, in the
// answer to the request that made it; nothing gives it again.
#include "appliance/api/decode.h"
#include "appliance/api/encode.h"
#include "appliance/api/routes.h"
#include "appliance/share/host_login.h"
#include "appliance/share/limits.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::api {
namespace {

state::HostRecord find_host(const Request& request, Services& services) {
    return services.state.hosts.get(request.parameter("name"));
}

Json encode_account(const state::HostRecord& host, Services& services) {
    const auto share = services.shares.share_of(host.draft);
    for (const auto& account : services.managed_shares.list_accounts(share)) {
        if (account.record.host_id == host.id) return encode(account);
    }
    throw Error{ErrorCode::not_found,
                fmt::format("host {} has no account on share {}", host.draft.name, share.name)};
}

Response issue_credentials(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const bool is_rotation = reader.flag_or("rotate", false);
    reader.finish();
    const auto host = find_host(request, services);
    const auto rotate = is_rotation ? share::Rotate::yes : share::Rotate::no;
    const auto issued = services.managed_shares.issue(host, rotate);
    // Fixed words, for whoever reads the log for who did what.
    services.log.warning("share credentials issued", {{"host", host.draft.name},
                                                      {"account", issued.account},
                                                      {"rotation", is_rotation ? "yes" : "no"},
                                                      {"by", request.user.name}});
    Json commands = Json::array();
    for (const auto& step : share::make_host_login(issued.share.unc, issued.account)) {
        commands.push_back({{"title", step.title}, {"command", step.command}});
    }
    const share::SambaHealth health = services.managed_shares.health();
    return Response::created(
        {{"host", host.draft.name},
         {"share", issued.share.name},
         {"unc", issued.share.unc},
         {"account", issued.account},
         {"password", std::string{issued.password.reveal_text()}},
         {"commands", std::move(commands)},
         {"server",
          {{"state", to_string(health.state)}, {"message", text_or_null(health.message)}}}},
        "/api/v1/hosts/" + encode_percent(host.draft.name) + "/share-credentials");
}

Response revoke_credentials(const Request& request, Services& services) {
    const auto host = find_host(request, services);
    services.managed_shares.revoke(host);
    services.log.warning("share credentials revoked",
                         {{"host", host.draft.name}, {"by", request.user.name}});
    return Response::no_content();
}

Response change_settings(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const auto host = find_host(request, services);
    const std::uint64_t quota = reader.count_or("quota_bytes", 0, share::limits::kQuotaBytesMax);
    const std::string computer = reader.text_or("computer", {});
    reader.finish();
    if (body.contains("computer")) services.managed_shares.set_computer(host, computer);
    if (body.contains("quota_bytes")) services.managed_shares.set_quota(host, quota);
    services.log.info("share settings changed",
                      {{"host", host.draft.name}, {"by", request.user.name}});
    return Response::json(encode_account(host, services));
}

}  // namespace

void add_share_account_routes(Router& router, Services& services) {
    router.add("issueShareCredentials",
               [&](const Request& request) { return issue_credentials(request, services); });
    router.add("revokeShareCredentials",
               [&](const Request& request) { return revoke_credentials(request, services); });
    router.add("changeShareSettings",
               [&](const Request& request) { return change_settings(request, services); });
}

}  // namespace entrepot::api
