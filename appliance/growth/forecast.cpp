// See forecast.h: the estimator of Theil and Sen.
#include "appliance/growth/forecast.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::growth {
namespace {

using state::GrowthSample;
using Days = std::chrono::duration<double, std::chrono::days::period>;

// Of less, a forecast would only repeat what the last night did.
constexpr std::chrono::days kSpanMin{3};
constexpr std::chrono::days kHorizon{3'650};
// Two samples of one moment have no slope.
constexpr Days kStepMin{0.1};

struct Used {
    WallTime time{};
    double bytes = 0;
};

std::vector<Used> used_of(const std::vector<GrowthSample>& samples) {
    std::vector<Used> used;
    for (const GrowthSample& sample : samples) {
        if (samples.back().time - sample.time > kForecastWindow) continue;
        if (!sample.free_bytes || !sample.capacity_bytes) continue;
        const double capacity = static_cast<double>(*sample.capacity_bytes);
        used.push_back({sample.time, capacity - static_cast<double>(*sample.free_bytes)});
    }
    return used;
}

std::vector<double> slopes_of(const std::vector<Used>& used) {
    std::vector<double> slopes;
    for (std::size_t first = 0; first < used.size(); ++first) {
        for (std::size_t second = first + 1; second < used.size(); ++second) {
            const Days step = used[second].time - used[first].time;
            if (step < kStepMin) continue;
            slopes.push_back((used[second].bytes - used[first].bytes) / step.count());
        }
    }
    return slopes;
}

double median_of(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2 == 1) return *middle;
    return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

std::optional<WallTime> full_at(const GrowthSample& newest, double bytes_per_day) {
    if (bytes_per_day < 1) return std::nullopt;
    const Days left{static_cast<double>(*newest.free_bytes) / bytes_per_day};
    if (left > Days{kHorizon}) return std::nullopt;
    return newest.time + std::chrono::duration_cast<WallTime::duration>(left);
}

}  // namespace

Forecast forecast(const std::vector<GrowthSample>& samples) {
    Forecast result;
    const std::vector<Used> used = used_of(samples);
    if (used.empty()) {
        result.reason = samples.empty()
                            ? "nothing was recorded yet: the first sample is taken within the hour"
                            : "the file system does not say how much is free";
        return result;
    }
    const auto span = used.back().time - used.front().time;
    result.based_on_days =
        static_cast<std::uint32_t>(std::chrono::round<std::chrono::days>(span).count());
    const std::vector<double> slopes = slopes_of(used);
    if (span < kSpanMin || slopes.empty()) {
        result.reason =
            fmt::format("a forecast needs {} days of record, and there {} {}", kSpanMin.count(),
                        result.based_on_days == 1 ? "is" : "are", result.based_on_days);
        return result;
    }
    const double bytes_per_day = median_of(slopes);
    result.bytes_per_day = static_cast<std::int64_t>(bytes_per_day);
    if (samples.back().free_bytes) result.full_at = full_at(samples.back(), bytes_per_day);
    return result;
}

}  // namespace entrepot::growth
