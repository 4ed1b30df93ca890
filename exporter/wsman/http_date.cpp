// The preferred form of RFC 9110 alone: the two obsolete ones are nothing that http.sys sends.
#include "exporter/wsman/http_date.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace entrepot::wsman {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::size_t kLength = 29;

std::optional<int> number_at(std::string_view text, std::size_t at, std::size_t length) {
    int value = 0;
    const char* first = text.data() + at;
    const auto [end, error] = std::from_chars(first, first + length, value);
    if (error != std::errc{} || end != first + length || value < 0) return std::nullopt;
    return value;
}

}  // namespace

std::optional<WallTime> parse_http_date(std::string_view text) {
    if (text.size() != kLength || !text.ends_with(" GMT") || text[3] != ',') return std::nullopt;
    const auto day = number_at(text, 5, 2);
    const auto* month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
    const auto year = number_at(text, 12, 4);
    const auto hour = number_at(text, 17, 2);
    const auto minute = number_at(text, 20, 2);
    const auto second = number_at(text, 23, 2);
    if (!day || month == kMonths.end() || !year || !hour || !minute || !second) return std::nullopt;
    using namespace std::chrono;
    const year_month_day date{
        std::chrono::year{*year},
        std::chrono::month{static_cast<unsigned>(month - kMonths.begin()) + 1},
        std::chrono::day{static_cast<unsigned>(*day)}};
    if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    return time_point_cast<WallTime::duration>(sys_days{date} + hours{*hour} + minutes{*minute} +
                                               seconds{*second});
}

}  // namespace entrepot::wsman
