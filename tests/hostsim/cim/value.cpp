// CIM values: their texts on the wire (wsman.md section 5).
#include "tests/hostsim/cim/value.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::hostsim {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string fraction(std::int64_t microseconds) {
    if (microseconds == 0) return {};
    std::string text = fmt::format(".{:06}", microseconds);
    text.erase(text.find_last_not_of('0') + 1);
    return text;
}

struct Moment {
    std::chrono::year_month_day date;
    std::chrono::hh_mm_ss<std::chrono::microseconds> time;
};

Moment split(DateTime time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    return {std::chrono::year_month_day{day},
            std::chrono::hh_mm_ss<std::chrono::microseconds>{time - day}};
}

}  // namespace

bool NameLess::operator()(std::string_view a, std::string_view b) const {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        [](char x, char y) { return lower(x) < lower(y); });
}

bool same_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

std::string Value::text() const {
    if (items.empty()) return {};
    const std::string* text = std::get_if<std::string>(&items.front());
    return text == nullptr ? std::string{} : *text;
}

std::uint64_t Value::number() const {
    if (items.empty()) return 0;
    if (const auto* number = std::get_if<std::uint64_t>(&items.front())) return *number;
    if (const auto* number = std::get_if<std::int64_t>(&items.front())) {
        return static_cast<std::uint64_t>(*number);
    }
    return 0;
}

bool Value::flag() const {
    if (items.empty()) return false;
    const bool* flag = std::get_if<bool>(&items.front());
    return flag != nullptr && *flag;
}

const Value& Instance::at(std::string_view name) const {
    static const Value null;
    const auto found = properties.find(name);
    return found == properties.end() ? null : found->second;
}

std::string to_text(const Scalar& scalar) {
    struct Visitor {
        std::string operator()(bool v) const { return v ? "true" : "false"; }
        std::string operator()(std::uint64_t v) const { return std::to_string(v); }
        std::string operator()(std::int64_t v) const { return std::to_string(v); }
        std::string operator()(const std::string& v) const { return v; }
        std::string operator()(DateTime v) const { return format_datetime(v); }
        std::string operator()(Interval v) const { return format_interval(v); }
        std::string operator()(const ObjectRef& v) const { return v.class_name; }
    };
    return std::visit(Visitor{}, scalar);
}

std::string format_datetime(DateTime time) {
    const Moment m = split(time);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z", static_cast<int>(m.date.year()),
                       static_cast<unsigned>(m.date.month()), static_cast<unsigned>(m.date.day()),
                       m.time.hours().count(), m.time.minutes().count(), m.time.seconds().count(),
                       fraction(m.time.subseconds().count()));
}

std::string format_interval(Interval interval) {
    const auto days = std::chrono::floor<std::chrono::days>(interval);
    const std::chrono::hh_mm_ss<std::chrono::microseconds> rest{interval - days};
    return fmt::format("P{}DT{}H{}M{}{}S", days.count(), rest.hours().count(),
                       rest.minutes().count(), rest.seconds().count(),
                       fraction(rest.subseconds().count()));
}

std::string format_dmtf_datetime(DateTime time) {
    const Moment m = split(time);
    return fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}.{:06}+000", static_cast<int>(m.date.year()),
                       static_cast<unsigned>(m.date.month()), static_cast<unsigned>(m.date.day()),
                       m.time.hours().count(), m.time.minutes().count(), m.time.seconds().count(),
                       m.time.subseconds().count());
}

}  // namespace entrepot::hostsim
