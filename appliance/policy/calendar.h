// Calendar expressions in the syntax of systemd.time(7), "CALENDAR EVENTS":
// "Mon..Fri 22:00", "*-*-1 03:30 Europe/Berlin", "daily", "*-*~1 23:00".
#pragma once

#include "base/clock.h"
#include "base/time_zone.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::policy {

/// One value, a range, or either with a repetition: "5", "5..9", "0/15", "1..20/3".
struct CalendarRange {
    std::int32_t first = 0;
    std::int32_t last = -1;   ///< -1: one value or, with a repetition, no end.
    std::int32_t repeat = 0;  ///< 0: only `first`.
    bool operator==(const CalendarRange&) const = default;
};

/// Any of the ranges; empty means "*".
using CalendarField = std::vector<CalendarRange>;

/// A parsed expression. Seconds are whole; fractions are refused.
class CalendarExpression {
public:
    /// Throws Error{invalid} quoting the expression and the part that is wrong. A zone at the end
    /// is looked up in `zones`.
    static CalendarExpression parse(std::string_view text, TimeZones& zones);

    /// The first moment after `time` that matches, strictly; nullopt if none comes before the year
    /// 2200. Local times are those of the expression's zone or, if it names none, of `zone`. A
    /// local time that clocks skip runs when the gap is over; one that occurs twice runs once.
    std::optional<WallTime> next_after(WallTime time, const TimeZone& zone) const;
    /// As many as come, at most `count`: what the console shows.
    std::vector<WallTime> list_after(WallTime time, const TimeZone& zone, std::size_t count) const;

    /// As it was written.
    const std::string& text() const { return text_; }

private:
    friend class CalendarParser;
    CalendarExpression() = default;
    std::optional<LocalSeconds> find_local_from(LocalSeconds local) const;
    std::optional<std::chrono::seconds> find_time_from(std::chrono::seconds time_of_day) const;

    std::string text_;
    std::uint8_t weekdays_ = 0;     ///< Bit 0 is Monday; 0: any.
    bool is_end_of_month_ = false;  ///< Days count from the month's end ("~").
    CalendarField years_;
    CalendarField months_;
    CalendarField days_;
    CalendarField hours_;
    CalendarField minutes_;
    CalendarField seconds_;
    std::shared_ptr<const TimeZone> zone_;  ///< Shared with the cache of zones; may be null.
};

}  // namespace entrepot::policy
