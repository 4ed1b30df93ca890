// How large the repository was on each day: what a forecast is made of. One row a day.
#pragma once

#include "appliance/state/database.h"

#include "base/clock.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace entrepot::state {

/// About three years.
inline constexpr std::size_t kGrowthDaysMax = 1'100;

struct GrowthSample {
    WallTime time{};
    std::uint64_t stored_bytes = 0;   ///< What du sees of the repository.
    std::uint64_t logical_bytes = 0;  ///< Guest data in all points.
    std::uint64_t points = 0;
    /// Of the repository's file system; nullopt where it does not say.
    std::optional<std::uint64_t> free_bytes{};
    std::optional<std::uint64_t> capacity_bytes{};
    bool operator==(const GrowthSample&) const = default;
};

class GrowthStore {
public:
    explicit GrowthStore(Database& database) : database_(database) {}

    /// Takes the place of the sample of the same day (UTC), if there is one. The oldest go beyond
    /// kGrowthDaysMax.
    void put(const GrowthSample& sample);
    std::optional<GrowthSample> find_newest();
    /// Since that time, oldest first.
    std::vector<GrowthSample> list_since(WallTime time);

private:
    Database& database_;
};

}  // namespace entrepot::state
