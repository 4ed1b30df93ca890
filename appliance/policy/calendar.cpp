// Finding the next moment of a calendar expression; see calendar.h.
#include "appliance/policy/calendar.h"

#include <algorithm>

namespace entrepot::policy {
namespace {

using namespace std::chrono;

constexpr year kLastYear{2199};
// Each turn moves to a later year, month, day, hour or minute; a leap day on a given weekday comes
// within 40 years.
constexpr int kTurnsMax = 40'000;
// A day that clocks repeat has at most this many seconds to pass by.
constexpr int kRepeatedSecondsMax = 30 * 3'600;

// The least value from `value` on that the range allows.
std::optional<std::int32_t> find_in_range(const CalendarRange& range, std::int32_t value) {
    if (range.first >= value) return range.first;
    if (range.repeat == 0) return std::nullopt;
    const std::int32_t steps = (value - range.first + range.repeat - 1) / range.repeat;
    const std::int32_t next = range.first + steps * range.repeat;
    if (range.last >= 0 && next > range.last) return std::nullopt;
    return next;
}

std::optional<std::int32_t> find_from(const CalendarField& field, std::int32_t value,
                                      std::int32_t most) {
    std::optional<std::int32_t> best;
    if (field.empty()) best = value;
    for (const CalendarRange& range : field) {
        const auto found = find_in_range(range, value);
        if (found && (!best || *found < *best)) best = found;
    }
    if (best && *best > most) best.reset();
    return best;
}

// Days counted from the month's end as days of this month.
CalendarField days_from_end(const CalendarField& field, std::int32_t length) {
    CalendarField result;
    for (const CalendarRange& range : field) {
        const std::int32_t from_first = length + 1 - range.first;
        if (range.last < 0) {
            result.push_back({.first = from_first, .last = -1, .repeat = range.repeat});
        } else {
            result.push_back(
                {.first = length + 1 - range.last, .last = from_first, .repeat = range.repeat});
        }
    }
    return result;
}

LocalSeconds at_midnight(year_month_day date) {
    return LocalSeconds{local_days{date}};
}

LocalSeconds next_month(year_month_day date) {
    return at_midnight(year_month_day{(date.year() / date.month() + months{1}) / 1});
}

}  // namespace

std::optional<LocalSeconds> CalendarExpression::find_local_from(LocalSeconds local) const {
    for (int turn = 0; turn < kTurnsMax; ++turn) {
        const local_days day = floor<days>(local);
        const year_month_day date{day};
        const auto y =
            find_from(years_, static_cast<int>(date.year()), static_cast<int>(kLastYear));
        if (!y) return std::nullopt;
        if (*y != static_cast<int>(date.year())) {
            local = at_midnight(year{*y} / January / 1);
            continue;
        }
        const auto month_now = static_cast<std::int32_t>(static_cast<unsigned>(date.month()));
        const auto m = find_from(months_, month_now, 12);
        if (!m) {
            local = at_midnight((date.year() + years{1}) / January / 1);
            continue;
        }
        if (*m != month_now) {
            local = at_midnight(date.year() / month{static_cast<unsigned>(*m)} / 1);
            continue;
        }
        const year_month_day_last month_end{date.year() / date.month() / last};
        const auto length = static_cast<std::int32_t>(static_cast<unsigned>(month_end.day()));
        const auto day_now = static_cast<std::int32_t>(static_cast<unsigned>(date.day()));
        const auto d =
            find_from(is_end_of_month_ ? days_from_end(days_, length) : days_, day_now, length);
        if (!d) {
            local = next_month(date);
            continue;
        }
        if (*d != day_now) {
            local = LocalSeconds{day} + days{*d - day_now};
            continue;
        }
        const unsigned weekday_index = weekday{day}.iso_encoding() - 1;
        const auto time = find_time_from(duration_cast<seconds>(local - day));
        if (!time || (weekdays_ != 0 && (weekdays_ & (1U << weekday_index)) == 0)) {
            local = LocalSeconds{day + days{1}};
            continue;
        }
        return day + *time;
    }
    return std::nullopt;
}

std::optional<seconds> CalendarExpression::find_time_from(seconds time_of_day) const {
    const hh_mm_ss now{time_of_day};
    auto hour_now = static_cast<std::int32_t>(now.hours().count());
    auto minute_now = static_cast<std::int32_t>(now.minutes().count());
    auto second_now = static_cast<std::int32_t>(now.seconds().count());
    // At most: this minute, a later minute of this hour, a later hour.
    for (;;) {
        const auto h = find_from(hours_, hour_now, 23);
        if (!h) return std::nullopt;
        if (*h != hour_now) minute_now = second_now = 0;
        const auto m = find_from(minutes_, minute_now, 59);
        if (!m) {
            hour_now = *h + 1;
            minute_now = second_now = 0;
            continue;
        }
        if (*m != minute_now) second_now = 0;
        const auto s = find_from(seconds_, second_now, 59);
        if (s) return hours{*h} + minutes{*m} + seconds{*s};
        hour_now = *h;
        minute_now = *m + 1;
        second_now = 0;
    }
}

std::optional<WallTime> CalendarExpression::next_after(WallTime time, const TimeZone& zone) const {
    const TimeZone& used = zone_ ? *zone_ : zone;
    LocalSeconds local = used.to_local(floor<seconds>(time)) + seconds{1};
    // After clocks went back, local times come again whose run has been: they are passed by.
    for (int passed = 0; passed < kRepeatedSecondsMax; ++passed) {
        const auto found = find_local_from(local);
        if (!found) return std::nullopt;
        const WallTime moment = used.first_showing(*found);
        if (moment > time) return moment;
        local = *found + seconds{1};
    }
    return std::nullopt;
}

std::vector<WallTime> CalendarExpression::list_after(WallTime time, const TimeZone& zone,
                                                     std::size_t count) const {
    std::vector<WallTime> moments;
    while (moments.size() < count) {
        const auto next = next_after(time, zone);
        if (!next) break;
        moments.push_back(*next);
        time = *next;
    }
    return moments;
}

}  // namespace entrepot::policy
