// See age.h.
#include "appliance/ctl/age.h"

#include "appliance/ctl/format.h"

#include "base/error.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>

namespace entrepot::ctl {
namespace {

struct Unit {
    char letter;
    const char* name;
    std::int64_t seconds;
};

constexpr std::array<Unit, 5> kUnits{{{'w', "week", 7 * 86'400},
                                      {'d', "day", 86'400},
                                      {'h', "hour", 3'600},
                                      {'m', "minute", 60},
                                      {'s', "second", 1}}};

}  // namespace

std::chrono::seconds parse_age(const std::string& text) {
    std::int64_t count = 0;
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, count);
    if (parsed.ec == std::errc{} && parsed.ptr + 1 == end && count >= 0) {
        for (const Unit& unit : kUnits) {
            const bool is_fitting =
                *parsed.ptr == unit.letter &&
                count <= std::numeric_limits<std::int64_t>::max() / unit.seconds;
            if (is_fitting) return std::chrono::seconds{count * unit.seconds};
        }
    }
    throw Error{ErrorCode::usage, fmt::format("'{}' is no age", text),
                "write a number and one of s, m, h, d, w: 30d"};
}

std::string age_text(std::chrono::seconds age) {
    if (age.count() <= 0) return "none";
    for (const Unit& unit : kUnits) {
        if (age.count() % unit.seconds != 0) continue;
        return plural(static_cast<std::uint64_t>(age.count() / unit.seconds), unit.name);
    }
    return "none";
}

}  // namespace entrepot::ctl
