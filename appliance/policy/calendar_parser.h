// Reads calendar expressions; see calendar.h for the syntax.
#pragma once

#include "appliance/policy/calendar.h"

#include <cstdint>
#include <string_view>

namespace entrepot::policy {

class CalendarParser {
public:
    CalendarParser(std::string_view text, TimeZones& zones)
        : whole_(text), rest_(text), zones_(zones) {}

    CalendarExpression parse();

private:
    [[noreturn]] void refuse(std::string_view why) const;
    bool skip(std::string_view text);
    bool is_at(std::string_view any_of) const;
    void take_zone();
    bool take_shorthand();
    void read_weekdays();
    int read_weekday();
    void read_date();
    void read_time();
    CalendarField read_field();
    CalendarRange read_range();
    std::int32_t read_number();
    void check_all();
    void check_field(std::string_view name, const CalendarField& field, std::int32_t least,
                     std::int32_t most, bool is_from_end = false) const;

    std::string_view whole_;
    std::string_view rest_;
    TimeZones& zones_;
    CalendarExpression result_;
};

}  // namespace entrepot::policy
