// The settings in force, each with who said so; and those that take effect without a restart.
#include "appliance/config/settings.h"
#include "appliance/api/decode.h"
#include "appliance/api/encode.h"
#include "appliance/api/routes.h"
#include "appliance/state/speed_limits.h"

#include "base/error.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace entrepot::api {
namespace {

constexpr std::array kSpeedKinds{state::SpeedKind::ingest, state::SpeedKind::verify};
constexpr std::size_t kChangesMax = 16;
constexpr std::uint64_t kAsConfigured = std::numeric_limits<std::uint64_t>::max();

std::optional<state::SpeedKind> speed_of(std::string_view name) {
    for (const state::SpeedKind kind : kSpeedKinds) {
        if (state::setting_name(kind) == name) return kind;
    }
    return std::nullopt;
}

Json number_or_null(const std::optional<std::int64_t>& number) {
    return number ? Json(*number) : Json(nullptr);
}

// What somebody said while it ran goes before the file, and the file's value is told beside it.
Json encode_setting(const config::Setting& setting, state::SpeedLimits& speeds) {
    Json json{{"name", setting.name},
              {"about", setting.about},
              {"kind", config::to_string(setting.kind)},
              {"value", setting.value},
              {"default", setting.standard},
              {"configured", setting.value},
              {"source", config::to_string(setting.source)},
              {"needs_restart", true},
              {"least", number_or_null(setting.least)},
              {"most", number_or_null(setting.most)}};
    const auto speed = speed_of(setting.name);
    if (!speed) return json;
    json["needs_restart"] = false;
    if (const auto said = speeds.find_said(*speed)) {
        json["value"] = std::to_string(*said);
        json["source"] = "state";
    }
    return json;
}

Response list_settings(Services& services) {
    Json settings = Json::array();
    for (const config::Setting& setting : config::list_settings(services.config))
        settings.push_back(encode_setting(setting, services.speed_limits));
    Json body = encode_list("settings", std::move(settings));
    body["file"] = services.config.file.string();
    body["has_file"] = services.config.has_file;
    return Response::json(body);
}

struct Change {
    state::SpeedKind kind{};
    std::optional<std::uint32_t> value;
};

Change decode_change(const Json& entry, const Services& services) {
    ObjectReader reader{entry, "an entry of \"changes\""};
    const std::string name = reader.text("name");
    const std::uint64_t value = reader.count_or(
        "value", kAsConfigured, static_cast<std::uint64_t>(config::kMibPerSecondMax));
    reader.finish();
    const auto kind = speed_of(name);
    if (!kind) {
        throw Error{
            ErrorCode::invalid,
            fmt::format("\"{}\" is no setting that can be changed while the appliance runs", name),
            fmt::format("Others stand in {} and take effect when entrepotd starts.",
                        services.config.file.string())};
    }
    if (value == kAsConfigured) return {*kind, std::nullopt};
    return {*kind, static_cast<std::uint32_t>(value)};
}

// All are read before the first one is made.
Response change_live_settings(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    std::vector<Change> changes;
    for (const Json& entry : reader.objects("changes", kChangesMax))
        changes.push_back(decode_change(entry, services));
    reader.finish();
    if (changes.empty()) throw Error{ErrorCode::invalid, "field \"changes\" names nothing"};
    for (const Change& change : changes) {
        services.speed_limits.say(change.kind, change.value);
        services.log.info(
            "a setting was changed",
            {{"name", std::string{state::setting_name(change.kind)}},
             {"value", change.value ? std::to_string(*change.value) : "as configured"},
             {"by", request.user.name}});
    }
    return list_settings(services);
}

}  // namespace

void add_settings_routes(Router& router, Services& services) {
    router.add("listSettings", [&](const Request&) { return list_settings(services); });
    router.add("changeSettings",
               [&](const Request& request) { return change_live_settings(request, services); });
}

}  // namespace entrepot::api
