// What comparing a full with the increments before it brought to light, as it is kept with the
// point and told to people.
#pragma once

#include "appliance/backup/disk_compare.h"

#include "base/json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::backup {

struct DiskReport {
    std::uint32_t index = 0;
    std::string id;
    std::string name;
    std::optional<DiskComparison> comparison;  ///< Empty: not compared, for `reason`.
    std::string reason;
};

struct ComparisonReport {
    std::string base_point;  ///< Empty if there was none.
    std::string obstacle;    ///< Why nothing could be compared; empty otherwise.
    std::vector<DiskReport> disks;
    std::vector<std::string> suspect_points;  ///< Increments since the last full, newest first; at
                                              ///< most limits::kSuspectPointsMax.
    std::uint64_t suspect_point_count = 0;
};

/// {"result": "agrees" | "disagrees" | "not_possible", "reason", "base_point", "disks": [{"index",
/// "id", "name", "result": "agrees" | "disagrees" | "not_compared", "reason", "compared_bytes",
/// "disagreeing_bytes", "discarded_bytes", "ranges": [{"offset", "length"}], "range_count"}],
/// "suspect_points", "suspect_point_count"}. Without any disk that could be compared the result is
/// not_possible. The points are suspect only where the result is disagrees.
Json to_json(const ComparisonReport& report);

/// What a person is told about such a document, with what to do where something is wrong.
std::string describe_comparison(const Json& report);

bool is_agreement(const Json& report);
bool is_disagreement(const Json& report);

/// The document of one of our points; null for a point that was not compared.
Json comparison_of(const Json& host_facts);

}  // namespace entrepot::backup
