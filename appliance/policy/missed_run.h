// Whether a run of a calendar came and brought nothing.
#pragma once

#include "appliance/policy/calendar.h"

#include <optional>

namespace entrepot::policy {

/// The first run that was due after `since` (the newest point, or the policy's beginning) if it is
/// overdue: a run has six hours, or until the next one if that is sooner. nullopt if none is.
std::optional<WallTime> find_missed_run(const CalendarExpression& calendar, const TimeZone& zone,
                                        WallTime since, WallTime now);

}  // namespace entrepot::policy
