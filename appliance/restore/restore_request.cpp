// See restore_request.h.
#include "appliance/restore/restore_request.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::restore {

Json to_json(const RestoreRequest& request) {
    Json switches = Json::array();
    for (const SwitchChange& change : request.switches)
        switches.push_back({{"from", change.from}, {"to", change.to}});
    return {{"point", request.point},
            {"host", request.host},
            {"to", request.to},
            {"name", request.name},
            {"keep_id", request.keeps_id},
            {"start", request.starts},
            {"connect", request.connects},
            {"keep_mac", request.keeps_mac},
            {"switches", std::move(switches)}};
}

RestoreRequest restore_request_from(const Json& json) {
    try {
        RestoreRequest request;
        request.point = json.at("point");
        request.host = json.at("host");
        request.to = json.at("to");
        request.name = json.at("name");
        request.keeps_id = json.at("keep_id");
        request.starts = json.at("start");
        request.connects = json.at("connect");
        request.keeps_mac = json.at("keep_mac");
        for (const Json& change : json.at("switches"))
            request.switches.push_back({change.at("from"), change.at("to")});
        return request;
    } catch (const Json::exception& error) {
        throw Error{ErrorCode::invalid, fmt::format("a restore's parameters: {}", error.what())};
    }
}

}  // namespace entrepot::restore
