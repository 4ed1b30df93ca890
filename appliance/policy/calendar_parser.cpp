// The parser of calendar expressions. Grammar and bounds as systemd.time(7) and its
// implementation have them, so that what people know works.
#include "appliance/policy/calendar_parser.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <utility>

namespace entrepot::policy {
namespace {

constexpr std::size_t kTextBytesMax = 256;
constexpr std::size_t kRangesMax = 60;
constexpr std::int32_t kYearMin = 1970;
constexpr std::int32_t kYearMax = 2199;

constexpr std::array<std::string_view, 7> kWeekdays{"monday", "tuesday",  "wednesday", "thursday",
                                                    "friday", "saturday", "sunday"};
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kShorthands{{
    {"minutely", "*-*-* *:*:00"},
    {"hourly", "*-*-* *:00:00"},
    {"daily", "*-*-* 00:00:00"},
    {"weekly", "Mon *-*-* 00:00:00"},
    {"monthly", "*-*-01 00:00:00"},
    {"quarterly", "*-01,04,07,10-01 00:00:00"},
    {"semiannually", "*-01,07-01 00:00:00"},
    {"semi-annually", "*-01,07-01 00:00:00"},
    {"biannually", "*-01,07-01 00:00:00"},
    {"annually", "*-01-01 00:00:00"},
    {"yearly", "*-01-01 00:00:00"},
}};

char lower(char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

bool is_same_word(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

CalendarField only(std::int32_t value) {
    return {CalendarRange{.first = value, .last = -1, .repeat = 0}};
}

// "6..13/6" means 6 and 12. Days from the month's end are turned round later, which must not turn
// round where the steps begin.
void end_ranges_on_steps(CalendarField& field) {
    for (CalendarRange& range : field) {
        if (range.last >= 0) range.last -= (range.last - range.first) % range.repeat;
    }
}

}  // namespace

void CalendarParser::refuse(std::string_view why) const {
    throw Error{ErrorCode::invalid, fmt::format("calendar expression \"{:.80}\": {}", whole_, why),
                "for example \"daily\", \"Mon..Fri 22:00\", \"*-*-1 03:30 Europe/Berlin\""};
}

bool CalendarParser::skip(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
}

bool CalendarParser::is_at(std::string_view any_of) const {
    return !rest_.empty() && any_of.find(rest_.front()) != std::string_view::npos;
}

CalendarExpression CalendarParser::parse() {
    if (whole_.empty()) refuse("it is empty");
    if (whole_.size() > kTextBytesMax) refuse("it is too long");
    result_.text_ = whole_;
    take_zone();
    if (!take_shorthand() && rest_.empty()) refuse("it says no time");
    read_weekdays();
    read_date();
    read_time();
    if (!rest_.empty()) refuse(fmt::format("\"{}\" is more than is understood", rest_));
    check_all();
    end_ranges_on_steps(result_.days_);
    return std::move(result_);
}

// The last word is a zone if it begins with a letter and is no weekday or shorthand.
void CalendarParser::take_zone() {
    const std::size_t space = rest_.rfind(' ');
    if (space == std::string_view::npos) return;
    const std::string_view word = rest_.substr(space + 1);
    if (word.empty() || std::isalpha(static_cast<unsigned char>(word.front())) == 0) return;
    result_.zone_ = is_same_word(word, "UTC") ? zones_.find("UTC") : zones_.find(word);
    if (!result_.zone_) refuse(fmt::format("there is no time zone \"{}\"", word));
    rest_ = rest_.substr(0, space);
}

bool CalendarParser::take_shorthand() {
    for (const auto& [name, meaning] : kShorthands) {
        if (!is_same_word(rest_, name)) continue;
        rest_ = meaning;
        return true;
    }
    return false;
}

void CalendarParser::read_weekdays() {
    if (rest_.empty() || std::isalpha(static_cast<unsigned char>(rest_.front())) == 0) return;
    for (;;) {
        const int first = read_weekday();
        int last = first;
        if (skip("..") || skip("-")) last = read_weekday();
        if (last < first) refuse("a range of weekdays ends before it begins");
        for (int day = first; day <= last; ++day) {
            result_.weekdays_ = static_cast<std::uint8_t>(result_.weekdays_ | (1U << day));
        }
        if (rest_.empty()) return;
        if (skip(",")) continue;
        if (!skip(" ")) refuse("a weekday is followed by something else than a space");
        while (skip(" ")) {
        }
        return;
    }
}

int CalendarParser::read_weekday() {
    std::size_t length = 0;
    while (length < rest_.size() && std::isalpha(static_cast<unsigned char>(rest_[length])) != 0)
        ++length;
    const std::string_view word = rest_.substr(0, length);
    for (std::size_t day = 0; day < kWeekdays.size(); ++day) {
        if (is_same_word(word, kWeekdays[day]) || is_same_word(word, kWeekdays[day].substr(0, 3))) {
            rest_.remove_prefix(length);
            return static_cast<int>(day);
        }
    }
    refuse(fmt::format("\"{}\" is no weekday", word));
}

void CalendarParser::read_date() {
    if (rest_.empty()) return;
    const std::string_view before = rest_;
    CalendarField first = read_field();
    if (rest_.empty() || is_at(":")) {  // It was the hour.
        rest_ = before;
        return;
    }
    const auto read_separator = [&] {
        if (skip("~")) {
            result_.is_end_of_month_ = true;
        } else if (!skip("-")) {
            refuse("the parts of a date are separated by '-'");
        }
    };
    read_separator();
    CalendarField second = read_field();
    if (rest_.empty() || is_at(" ")) {
        result_.months_ = std::move(first);
        result_.days_ = std::move(second);
    } else {
        if (result_.is_end_of_month_) refuse("'~' stands before the day only");
        read_separator();
        result_.years_ = std::move(first);
        result_.months_ = std::move(second);
        result_.days_ = read_field();
        if (!rest_.empty() && !is_at(" ")) refuse("the date is followed by something else");
    }
    while (skip(" ")) {
    }
    // Two-digit years, as systemd reads them.
    for (CalendarRange& range : result_.years_) {
        for (std::int32_t* year : {&range.first, &range.last}) {
            if (*year >= 0 && *year < 70) *year += 2'000;
            if (*year >= 70 && *year < 100) *year += 1'900;
        }
    }
}

void CalendarParser::read_time() {
    result_.hours_ = only(0);
    result_.minutes_ = only(0);
    result_.seconds_ = only(0);
    if (rest_.empty()) return;
    result_.hours_ = read_field();
    if (!skip(":")) refuse("a time is written HH:MM or HH:MM:SS");
    result_.minutes_ = read_field();
    if (!skip(":")) return;
    result_.seconds_ = read_field();
    if (is_at(".")) refuse("seconds are whole");
}

CalendarField CalendarParser::read_field() {
    if (skip("*")) return {};
    CalendarField field;
    do {
        if (field.size() == kRangesMax) refuse("a list is too long");
        field.push_back(read_range());
    } while (skip(","));
    return field;
}

CalendarRange CalendarParser::read_range() {
    CalendarRange range;
    range.first = read_number();
    if (skip("..")) {
        range.last = read_number();
        range.repeat = 1;
    }
    if (skip("/")) {
        range.repeat = read_number();
        if (range.repeat == 0) refuse("a step of 0");
    }
    if (range.last == range.first) range = {.first = range.first, .last = -1, .repeat = 0};
    return range;
}

std::int32_t CalendarParser::read_number() {
    std::int32_t value = 0;
    std::size_t digits = 0;
    while (digits < rest_.size() && digits < 6 && rest_[digits] >= '0' && rest_[digits] <= '9') {
        value = value * 10 + (rest_[digits] - '0');
        ++digits;
    }
    if (digits == 0) {
        refuse(rest_.empty() ? std::string{"it ends where a number should be"}
                             : fmt::format("\"{}\" where a number should be", rest_));
    }
    rest_.remove_prefix(digits);
    return value;
}

void CalendarParser::check_all() {
    check_field("year", result_.years_, kYearMin, kYearMax);
    check_field("month", result_.months_, 1, 12);
    check_field("day", result_.days_, 1, 31, result_.is_end_of_month_);
    check_field("hour", result_.hours_, 0, 23);
    check_field("minute", result_.minutes_, 0, 59);
    check_field("second", result_.seconds_, 0, 59);
}

void CalendarParser::check_field(std::string_view name, const CalendarField& field,
                                 std::int32_t least, std::int32_t most, bool is_from_end) const {
    // From the month's end only days that every month has.
    if (is_from_end) most = 28;
    for (const CalendarRange& range : field) {
        if (range.first < least || range.first > most || range.last > most) {
            refuse(fmt::format("a {} is from {} to {}", name, least, most));
        }
        if (range.last >= 0 && range.last < range.first) {
            refuse(fmt::format("a range of {}s ends before it begins", name));
        }
        const std::int32_t room = range.last >= 0 ? range.last - range.first
                                  : is_from_end   ? range.first - least
                                                  : most - range.first;
        if (range.repeat > room) refuse(fmt::format("the step of a {} never comes", name));
    }
}

CalendarExpression CalendarExpression::parse(std::string_view text, TimeZones& zones) {
    return CalendarParser{text, zones}.parse();
}

}  // namespace entrepot::policy
