// Whether a run of a calendar came and brought nothing.
#pragma once

#include "appliance/policy/calendar.h"

#include <optional>

namespace entrepot::policy {

struct AwaitedRun {
    WallTime due{};
    WallTime patience_end{};  ///< After it, whoever brought nothing is overdue.
};

/// The first run that is due after `since`; a run has six hours, or until the next one if that is
/// sooner. nullopt if none ever is.
std::optional<AwaitedRun> find_awaited_run(const CalendarExpression& calendar, const TimeZone& zone,
                                           WallTime since);

/// The first run that was due after `since` (the newest point, or the policy's beginning) if it is
/// overdue. nullopt if none is.
std::optional<WallTime> find_missed_run(const CalendarExpression& calendar, const TimeZone& zone,
                                        WallTime since, WallTime now);

}  // namespace entrepot::policy
