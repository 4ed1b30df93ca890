// The appliance and its repository in figures; the OpenAPI document.
#include "appliance/api/encode.h"
#include "appliance/api/openapi.h"
#include "appliance/api/routes.h"

#include <filesystem>

namespace entrepot::api {
namespace {

Json encode_info(const Services& services, const repository::RepositoryInfo& info,
                 const repository::TimeState& time) {
    Json json{{"version", services.version},
              {"state", "unlocked"},
              {"time_zone", services.config.time_zone},
              {"restore_directory", services.config.restore_directory.string()},
              {"format", info.format},
              {"id", info.id},
              {"encrypted", info.is_encrypted},
              {"chunk_size_bytes", info.chunk_size_bytes},
              {"points", info.points},
              {"logical_bytes", info.logical_bytes},
              {"unique_bytes", info.unique_bytes},
              {"stored_bytes", info.stored_bytes},
              {"chunks", info.chunks},
              {"packs", info.packs},
              {"waste_bytes", info.waste_bytes},
              {"key_slots", info.key_slots},
              {"minimum_age_seconds", time.minimum_age.count()},
              {"time", format_time(time.now)},
              {"deletion_frozen", text_or_null(time.frozen)},
              {"damaged_chunks", info.damaged_chunks},
              {"reserve_bytes", info.reserve_bytes},
              {"state_copies", Json::array()},
              {"free_bytes", nullptr},
              {"capacity_bytes", nullptr}};
    std::error_code error;
    const auto space = std::filesystem::space(services.config.repository_directory(), error);
    if (!error) {
        json["free_bytes"] = space.available;
        json["capacity_bytes"] = space.capacity;
    }
    return json;
}

Response show_info(Services& services) {
    auto& repository = services.repository();
    Json json = encode_info(services, repository.info(), repository.time_state());
    for (const auto& copy : repository.list_state_copies()) {
        json["state_copies"].push_back({{"name", copy.name},
                                        {"time", format_time(copy.time)},
                                        {"size_bytes", copy.size_bytes}});
    }
    return Response::json(json);
}

}  // namespace

void add_info_routes(Router& router, Services& services) {
    router.add("getInfo", [&](const Request&) { return show_info(services); });
    router.add("getOpenApi", [](const Request&) {
        return Response::text(std::string{openapi_document()}, "application/json");
    });
}

}  // namespace entrepot::api
