// What nobody can delete yet: the repository's own time, and the age that points must reach.
#include "appliance/api/decode.h"
#include "appliance/api/encode.h"
#include "appliance/api/routes.h"

#include "base/error.h"

namespace entrepot::api {
namespace {

Json encode_clock(const repository::TimeState& time) {
    return Json{{"time", format_time(time.now)},
                {"clock", format_time(time.wall)},
                {"frozen", text_or_null(time.frozen)},
                {"minimum_age_seconds", time.minimum_age.count()}};
}

Response show_clock(Services& services) {
    return Response::json(encode_clock(services.repository().time_state()));
}

Response confirm_clock(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const auto seen = reader.find_time("clock");
    reader.finish();
    if (!seen) throw Error{ErrorCode::invalid, "field \"clock\" is missing"};
    services.log.warning("the clock is being confirmed",
                         {{"clock", format_time(*seen)}, {"by", request.user.name}});
    services.repository().confirm_clock(*seen);
    return show_clock(services);
}

Response extend_minimum_age(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    constexpr std::uint64_t kSecondsMax = std::chrono::seconds{std::chrono::days{10 * 366}}.count();
    const std::uint64_t seconds = reader.count_or("minimum_age_seconds", 0, kSecondsMax);
    reader.finish();
    services.log.warning("the minimum age is being extended",
                         {{"seconds", std::to_string(seconds)}, {"by", request.user.name}});
    services.repository().extend_minimum_age(
        std::chrono::seconds{static_cast<std::int64_t>(seconds)});
    return show_clock(services);
}

}  // namespace

void add_immutability_routes(Router& router, Services& services) {
    router.add("getClock", [&](const Request&) { return show_clock(services); });
    router.add("confirmClock",
               [&](const Request& request) { return confirm_clock(request, services); });
    router.add("extendMinimumAge",
               [&](const Request& request) { return extend_minimum_age(request, services); });
}

}  // namespace entrepot::api
