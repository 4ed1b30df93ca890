// Which recovery points a rule keeps: a pure function of the points and the rule.
#pragma once

#include "storage/repository/repository.h"

#include "base/clock.h"
#include "base/time_zone.h"

#include <cstdint>
#include <string>
#include <vector>

namespace entrepot::repository {

struct RetentionRule {
    std::uint32_t keep_last = 0;
    std::uint32_t keep_hourly = 0;
    std::uint32_t keep_daily = 0;
    std::uint32_t keep_weekly = 0;
    std::uint32_t keep_monthly = 0;
    std::uint32_t keep_yearly = 0;

    bool is_empty() const;
};

/// One point of one VM as retention sees it.
struct RetentionPoint {
    std::string id;
    std::uint64_t sequence = 0;
    WallTime time{};
    bool is_protected = false;  ///< By date, hold or minimum age.
    bool is_damaged = false;
};

/// A hold, a date, or being younger than the minimum age protects it at that time.
RetentionPoint seen_by_retention(const PointSummary& point, const TimeState& time);

struct KeptPoint {
    std::string id;
    std::vector<std::string>
        because;  ///< "last 1", "daily 2026-01-31", "newest undamaged", "protected".
};

struct RetentionPlan {
    std::vector<KeptPoint> kept;       ///< Oldest first.
    std::vector<std::string> removed;  ///< Oldest first.
};

/// All points must be of one VM. Slots are counted in `zone`. The newest undamaged point is always
/// kept, and no point dated after `now` pushes another out. Error{usage} for an empty rule.
RetentionPlan plan_retention(const std::vector<RetentionPoint>& points, const RetentionRule& rule,
                             WallTime now, const TimeZone& zone);

}  // namespace entrepot::repository
