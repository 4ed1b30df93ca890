// The system's clock, a manual one, and the text form of times.
#include "base/clock.h"

#include <fmt/format.h>

#include <cctype>

namespace entrepot {
namespace {

using namespace std::chrono;

// Reads exactly `count` digits at `position` and moves it; nullopt if there is another character.
std::optional<int> read_digits(std::string_view text, std::size_t& position, std::size_t count) {
    if (count > text.size() || position > text.size() - count) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const char c = text[position + i];
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    position += count;
    return value;
}

bool skip(std::string_view text, std::size_t& position, std::string_view any_of) {
    if (position >= text.size() || any_of.find(text[position]) == std::string_view::npos)
        return false;
    ++position;
    return true;
}

std::optional<milliseconds> read_fraction(std::string_view text, std::size_t& position) {
    if (!skip(text, position, ".")) return milliseconds{0};
    int value = 0;
    std::size_t digits = 0;
    while (position < text.size() && text[position] >= '0' && text[position] <= '9') {
        if (digits < 3) value = value * 10 + (text[position] - '0');
        ++digits;
        ++position;
    }
    if (digits == 0 || digits > 9) return std::nullopt;
    for (std::size_t i = digits; i < 3; ++i)
        value *= 10;
    return milliseconds{value};
}

std::optional<minutes> read_offset(std::string_view text, std::size_t& position) {
    if (skip(text, position, "Zz")) return minutes{0};
    if (position >= text.size()) return std::nullopt;
    const bool is_negative = text[position] == '-';
    if (!skip(text, position, "+-")) return std::nullopt;
    const auto hour = read_digits(text, position, 2);
    if (!hour || !skip(text, position, ":")) return std::nullopt;
    const auto minute = read_digits(text, position, 2);
    if (!minute || *hour > 23 || *minute > 59) return std::nullopt;
    const minutes offset{*hour * 60 + *minute};
    return is_negative ? -offset : offset;
}

}  // namespace

WallTime SystemClock::wall_now() {
    return floor<milliseconds>(system_clock::now());
}

SteadyTime SystemClock::steady_now() {
    return steady_clock::now();
}

void SystemClock::sleep_for(milliseconds duration, std::stop_token stop) {
    std::mutex mutex;
    std::condition_variable_any condition;
    std::unique_lock lock{mutex};
    condition.wait_for(lock, stop, duration, [] { return false; });
}

WallTime ManualClock::wall_now() {
    const std::scoped_lock lock{mutex_};
    return wall_;
}

SteadyTime ManualClock::steady_now() {
    const std::scoped_lock lock{mutex_};
    return steady_;
}

void ManualClock::sleep_for(milliseconds duration, std::stop_token stop) {
    if (!stop.stop_requested()) advance(duration);
}

void ManualClock::advance(milliseconds duration) {
    const std::scoped_lock lock{mutex_};
    wall_ += duration;
    steady_ += duration;
}

std::string format_time(WallTime time) {
    const auto day = floor<days>(time);
    const year_month_day date{day};
    const hh_mm_ss clock_time{time - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock_time.hours().count(), clock_time.minutes().count(),
                       clock_time.seconds().count(), clock_time.subseconds().count());
}

std::optional<WallTime> parse_time(std::string_view text) {
    std::size_t at = 0;
    const auto y = read_digits(text, at, 4);
    if (!y || !skip(text, at, "-")) return std::nullopt;
    const auto mo = read_digits(text, at, 2);
    if (!mo || !skip(text, at, "-")) return std::nullopt;
    const auto d = read_digits(text, at, 2);
    if (!d || !skip(text, at, "Tt ")) return std::nullopt;
    const auto h = read_digits(text, at, 2);
    if (!h || !skip(text, at, ":")) return std::nullopt;
    const auto mi = read_digits(text, at, 2);
    if (!mi || !skip(text, at, ":")) return std::nullopt;
    const auto s = read_digits(text, at, 2);
    if (!s) return std::nullopt;
    const auto fraction = read_fraction(text, at);
    if (!fraction) return std::nullopt;
    const auto offset = read_offset(text, at);
    if (!offset || at != text.size()) return std::nullopt;
    const year_month_day date{year{*y}, month{static_cast<unsigned>(*mo)},
                              day{static_cast<unsigned>(*d)}};
    if (!date.ok() || *h > 23 || *mi > 59 || *s > 60) return std::nullopt;
    return sys_days{date} + hours{*h} + minutes{*mi} + seconds{*s} + *fraction - *offset;
}

}  // namespace entrepot
