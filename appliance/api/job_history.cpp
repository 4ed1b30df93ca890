// How the jobs of the last days ended, by the appliance's days.
#include "appliance/api/encode.h"
#include "appliance/api/paging.h"
#include "appliance/api/routes.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <map>

namespace entrepot::api {
namespace {

constexpr std::uint64_t kHistoryDaysDefault = 14;
constexpr std::uint64_t kHistoryDaysMax = 92;

using LocalDay = std::chrono::local_days;

struct DayOfJobs {
    std::map<jobs::JobState, std::uint64_t> counts;
    std::chrono::milliseconds busy{0};
};

constexpr std::array kEndStates{jobs::JobState::done, jobs::JobState::partly,
                                jobs::JobState::failed, jobs::JobState::cancelled,
                                jobs::JobState::interrupted};

Json encode_day(LocalDay day, const DayOfJobs& jobs_of_day) {
    const std::chrono::year_month_day date{day};
    Json json{{"day",
               fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                           static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()))},
              {"busy_seconds",
               std::chrono::duration_cast<std::chrono::seconds>(jobs_of_day.busy).count()}};
    for (const jobs::JobState end : kEndStates) {
        const auto found = jobs_of_day.counts.find(end);
        json[std::string{jobs::to_string(end)}] =
            found == jobs_of_day.counts.end() ? 0 : found->second;
    }
    return json;
}

Response show_history(const Request& request, Services& services) {
    const auto count = read_query_number(request, "days", kHistoryDaysDefault, kHistoryDaysMax);
    const auto zone = services.zones.get(services.config.time_zone);
    const auto day_of = [&](WallTime time) {
        return std::chrono::floor<std::chrono::days>(
            zone->to_local(std::chrono::floor<std::chrono::seconds>(time)));
    };
    const LocalDay today = day_of(services.clock.wall_now());
    const LocalDay first = today - std::chrono::days{count - 1};
    std::map<LocalDay, DayOfJobs> days;
    for (LocalDay day = first; day <= today; day += std::chrono::days{1})
        days[day];
    const WallTime since = zone->first_showing(LocalSeconds{first});
    const std::string kind = request.query_value("kind");
    for (const auto& ended : services.state.job_history.list_ended(kind, since)) {
        const auto found = days.find(day_of(ended.begin));
        if (found == days.end()) continue;  // Of a clock that was ahead.
        found->second.counts[ended.state] += ended.count;
        found->second.busy += ended.busy;
    }
    Json entries = Json::array();
    for (const auto& [day, jobs_of_day] : days)
        entries.push_back(encode_day(day, jobs_of_day));
    return Response::json({{"time_zone", services.config.time_zone}, {"days", std::move(entries)}});
}

}  // namespace

void add_job_history_routes(Router& router, Services& services) {
    router.add("getJobHistory",
               [&](const Request& request) { return show_history(request, services); });
}

}  // namespace entrepot::api
