// See missed_run.h.
#include "appliance/policy/missed_run.h"

#include <algorithm>

namespace entrepot::policy {
namespace {

// A night's queue may be long; whoever looks in the morning must see what did not come.
constexpr std::chrono::hours kPatienceMax{6};

}  // namespace

std::optional<AwaitedRun> find_awaited_run(const CalendarExpression& calendar, const TimeZone& zone,
                                           WallTime since) {
    const auto due = calendar.next_after(since, zone);
    if (!due) return std::nullopt;
    WallTime::duration patience = kPatienceMax;
    if (const auto next = calendar.next_after(*due, zone)) {
        patience = std::min(patience, *next - *due);
    }
    return AwaitedRun{*due, *due + patience};
}

std::optional<WallTime> find_missed_run(const CalendarExpression& calendar, const TimeZone& zone,
                                        WallTime since, WallTime now) {
    const auto run = find_awaited_run(calendar, zone, since);
    if (!run || now <= run->patience_end) return std::nullopt;
    return run->due;
}

}  // namespace entrepot::policy
