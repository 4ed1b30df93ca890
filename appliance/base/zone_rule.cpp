// POSIX zone rules; see zone_rule.h.
#include "base/zone_rule.h"

#include <cctype>

namespace entrepot {

using namespace std::chrono;

namespace {

constexpr std::int32_t kDefaultTimeSeconds = 7'200;
// RFC 8536 3.3.1 lets a rule's time reach into the days around.
constexpr std::int32_t kRuleHoursMax = 167;
constexpr std::int32_t kOffsetHoursMax = 24;

}  // namespace

class ZoneRuleParser {
public:
    explicit ZoneRuleParser(std::string_view text) : rest_(text) {}

    std::optional<ZoneRule> parse() {
        ZoneRule rule;
        if (!read_name()) return std::nullopt;
        const auto standard = read_time(kOffsetHoursMax);
        if (!standard) return std::nullopt;
        rule.standard_offset_seconds_ = -*standard;  // POSIX counts to the west.
        if (rest_.empty()) return rule;

        if (!read_name()) return std::nullopt;
        rule.has_daylight_saving_ = true;
        rule.daylight_offset_seconds_ = rule.standard_offset_seconds_ + 3'600;
        if (!rest_.starts_with(',')) {
            const auto daylight = read_time(kOffsetHoursMax);
            if (!daylight) return std::nullopt;
            rule.daylight_offset_seconds_ = -*daylight;
        }
        if (!read_moment(rule.daylight_begin_) || !read_moment(rule.daylight_end_)) {
            return std::nullopt;
        }
        if (!rest_.empty()) return std::nullopt;
        return rule;
    }

private:
    bool skip(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }

    bool read_name() {
        if (skip('<')) {
            const std::size_t end = rest_.find('>');
            if (end == std::string_view::npos || end < 3) return false;
            rest_.remove_prefix(end + 1);
            return true;
        }
        std::size_t length = 0;
        while (length < rest_.size() && std::isalpha(static_cast<unsigned char>(rest_[length])))
            ++length;
        rest_.remove_prefix(length);
        return length >= 3;
    }

    std::optional<std::int32_t> read_number(std::int32_t least, std::int32_t most) {
        std::int32_t value = 0;
        std::size_t digits = 0;
        while (digits < rest_.size() && digits < 4 && rest_[digits] >= '0' &&
               rest_[digits] <= '9') {
            value = value * 10 + (rest_[digits] - '0');
            ++digits;
        }
        if (digits == 0 || value < least || value > most) return std::nullopt;
        rest_.remove_prefix(digits);
        return value;
    }

    // [+-]hh[:mm[:ss]]
    std::optional<std::int32_t> read_time(std::int32_t hours_max) {
        const bool is_negative = skip('-');
        if (!is_negative) skip('+');
        const auto hours = read_number(0, hours_max);
        if (!hours) return std::nullopt;
        std::int32_t seconds = *hours * 3'600;
        for (const std::int32_t unit : {60, 1}) {
            if (!skip(':')) break;
            const auto part = read_number(0, 59);
            if (!part) return std::nullopt;
            seconds += *part * unit;
        }
        return is_negative ? -seconds : seconds;
    }

    bool read_moment(ZoneRule::Moment& moment) {
        if (!skip(',')) return false;
        if (!read_day(moment)) return false;
        moment.time_seconds = kDefaultTimeSeconds;
        if (!skip('/')) return true;
        const auto time = read_time(kRuleHoursMax);
        if (time) moment.time_seconds = *time;
        return time.has_value();
    }

    bool read_day(ZoneRule::Moment& moment) {
        if (skip('M')) {
            moment.form = ZoneRule::Form::month_week_day;
            const auto month = read_number(1, 12);
            if (!month || !skip('.')) return false;
            const auto week = read_number(1, 5);
            if (!week || !skip('.')) return false;
            const auto day = read_number(0, 6);
            if (!day) return false;
            moment.month = *month;
            moment.week = *week;
            moment.day = *day;
            return true;
        }
        const bool is_julian = skip('J');
        moment.form =
            is_julian ? ZoneRule::Form::julian_without_leap_day : ZoneRule::Form::day_of_year;
        const auto day = is_julian ? read_number(1, 365) : read_number(0, 365);
        if (day) moment.day = *day;
        return day.has_value();
    }

    std::string_view rest_;
};

std::optional<ZoneRule> ZoneRule::parse(std::string_view text) {
    return ZoneRuleParser{text}.parse();
}

std::int64_t ZoneRule::local_seconds_of(const Moment& moment, year y) {
    sys_days date = y / January / 1;
    switch (moment.form) {
        case Form::month_week_day: {
            const month m{static_cast<unsigned>(moment.month)};
            const weekday day{static_cast<unsigned>(moment.day)};
            date = moment.week == 5 ? sys_days{y / m / day[last]}
                                    : sys_days{y / m / day[static_cast<unsigned>(moment.week)]};
            break;
        }
        case Form::julian_without_leap_day: {
            // Day 60 is the first of March in every year.
            const bool is_after_leap_day = y.is_leap() && moment.day >= 60;
            date += days{moment.day - 1 + (is_after_leap_day ? 1 : 0)};
            break;
        }
        case Form::day_of_year:
            date += days{moment.day};
            break;
    }
    return sys_seconds{date}.time_since_epoch().count() + moment.time_seconds;
}

std::array<ZoneTransition, 2> ZoneRule::transitions_of(year y) const {
    const ZoneTransition begin{local_seconds_of(daylight_begin_, y) - standard_offset_seconds_,
                               daylight_offset_seconds_};
    const ZoneTransition end{local_seconds_of(daylight_end_, y) - daylight_offset_seconds_,
                             standard_offset_seconds_};
    if (begin.at <= end.at) return {begin, end};
    return {end, begin};  // South of the equator.
}

}  // namespace entrepot
