// Local time of an IANA time zone, read from the system's tz database. UTC needs none.
#pragma once

#include "base/clock.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace entrepot::repository {

/// A moment as a calendar shows it.
struct LocalTime {
    std::chrono::year_month_day date;
    std::int32_t hour = 0;
    std::chrono::seconds utc_offset{0};
};

class TimeZone {
public:
    /// Throws Error{not_found} for a name that the database does not have, Error{corrupt} for a
    /// file of it that makes no sense.
    explicit TimeZone(const std::string& name);
    ~TimeZone();
    TimeZone(TimeZone&&) noexcept;

    std::chrono::seconds offset_at(WallTime time) const;
    LocalTime local(WallTime time) const;

private:
    struct Rules;
    std::unique_ptr<Rules> rules_;
};

}  // namespace entrepot::repository
