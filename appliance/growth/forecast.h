// When the repository's file system is full if it goes on as it did: a pure function of the
// samples.
#pragma once

#include "appliance/state/growth.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::growth {

/// How far back a forecast looks.
inline constexpr std::chrono::days kForecastWindow{30};

struct Forecast {
    /// What the file system's used space gained a day; less than zero where it shrank. nullopt: not
    /// known, and `reason` says why.
    std::optional<std::int64_t> bytes_per_day{};
    /// nullopt: not within ten years, or not known.
    std::optional<WallTime> full_at{};
    std::uint32_t based_on_days = 0;  ///< From the first sample used to the last.
    std::string reason{};             ///< Empty where it is known.
};

/// Samples oldest first. Looks at kForecastWindow before the last and takes the median of the
/// slopes between all pairs, so that a day of a first full, or of a clean-up, does not decide. Who
/// else fills the file system counts, too.
Forecast forecast(const std::vector<state::GrowthSample>& samples);

}  // namespace entrepot::growth
