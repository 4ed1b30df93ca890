// How many jobs ended how, by time: what charts of the last weeks are made of, without reading the
// jobs.
#pragma once

#include "appliance/jobs/job.h"
#include "appliance/state/database.h"

#include "base/clock.h"

#include <cstdint>
#include <string>
#include <vector>

namespace entrepot::state {

/// Zones differ from UTC by multiples of it, so that a day of any zone is a sum of these.
inline constexpr std::chrono::minutes kHistoryStep{15};

/// Jobs of one outcome that ended within one step.
struct EndedCount {
    WallTime begin{};
    jobs::JobState state = jobs::JobState::done;
    std::uint64_t count = 0;
    std::chrono::milliseconds busy{0};  ///< From start to end, all together.
};

class JobHistory {
public:
    explicit JobHistory(Database& database) : database_(database) {}

    /// Of one kind, or of all if it is empty; what ended at `since` or later, in order of time.
    std::vector<EndedCount> list_ended(const std::string& kind, WallTime since);

private:
    Database& database_;
};

}  // namespace entrepot::state
