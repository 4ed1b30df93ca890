// How the repository grew, and when its file system is full if it goes on like that.
#include "appliance/api/encode.h"
#include "appliance/api/paging.h"
#include "appliance/api/routes.h"

#include "appliance/growth/forecast.h"

#include <algorithm>

namespace entrepot::api {
namespace {

constexpr std::uint64_t kDaysDefault = 90;

std::chrono::days read_days(const Request& request) {
    return std::chrono::days{
        read_query_number(request, "days", kDaysDefault, state::kGrowthDaysMax)};
}

Json size_or_null(std::optional<std::uint64_t> size) {
    return size ? Json(*size) : Json(nullptr);
}

Json encode_sample(const state::GrowthSample& sample) {
    return {{"time", format_time(sample.time)},
            {"stored_bytes", sample.stored_bytes},
            {"logical_bytes", sample.logical_bytes},
            {"points", sample.points},
            {"free_bytes", size_or_null(sample.free_bytes)},
            {"capacity_bytes", size_or_null(sample.capacity_bytes)}};
}

Response show_growth(const Request& request, Services& services) {
    const std::chrono::days wanted = read_days(request);
    const WallTime now = services.clock.wall_now();
    // The forecast is the same however little of its record is asked for.
    const auto samples =
        services.state.growth.list_since(now - std::max(wanted, growth::kForecastWindow));
    const growth::Forecast forecast = growth::forecast(samples);
    Json entries = Json::array();
    for (const auto& sample : samples) {
        if (now - sample.time <= wanted) entries.push_back(encode_sample(sample));
    }
    return Response::json(
        {{"samples", std::move(entries)},
         {"bytes_per_day", forecast.bytes_per_day ? Json(*forecast.bytes_per_day) : Json(nullptr)},
         {"full_at", encode_time(forecast.full_at)},
         {"based_on_days", forecast.based_on_days},
         {"reason", text_or_null(forecast.reason)}});
}

}  // namespace

void add_growth_routes(Router& router, Services& services) {
    router.add("getGrowth", [&](const Request& request) { return show_growth(request, services); });
}

}  // namespace entrepot::api
