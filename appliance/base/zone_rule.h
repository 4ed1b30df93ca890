// The rule behind the last transition of a zone file, in POSIX notation:
// "CET-1CEST,M3.5.0,M10.5.0/3".
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace entrepot {

/// From a moment on (seconds since 1970, UTC), clocks are this much ahead of UTC.
struct ZoneTransition {
    std::int64_t at = 0;
    std::int32_t offset_seconds = 0;
};

class ZoneRule {
public:
    /// nullopt for text that is no such rule (RFC 8536, 3.3).
    static std::optional<ZoneRule> parse(std::string_view text);

    std::int32_t standard_offset_seconds() const { return standard_offset_seconds_; }
    bool has_daylight_saving() const { return has_daylight_saving_; }
    /// The two of one year, ascending. Requires has_daylight_saving().
    std::array<ZoneTransition, 2> transitions_of(std::chrono::year year) const;

private:
    friend class ZoneRuleParser;
    enum class Form { month_week_day, julian_without_leap_day, day_of_year };
    /// The day of a year, and the local time on it.
    struct Moment {
        Form form = Form::month_week_day;
        std::int32_t month = 1;
        std::int32_t week = 1;
        std::int32_t day = 0;
        std::int32_t time_seconds = 7'200;
    };
    static std::int64_t local_seconds_of(const Moment& moment, std::chrono::year year);

    std::int32_t standard_offset_seconds_ = 0;
    std::int32_t daylight_offset_seconds_ = 0;
    bool has_daylight_saving_ = false;
    Moment daylight_begin_;
    Moment daylight_end_;
};

}  // namespace entrepot
