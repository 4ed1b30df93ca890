// What `entrepot image` shows of images: facts as JSON, the map of extents, and a comparison.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/disk/image_chain.h"

#include "base/json.h"
#include "base/progress.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace entrepot::disk {

inline constexpr std::size_t kDifferingRangesMax = 10'000;

/// Everything in the headers of each layer, whether the chain is complete, and how many bytes of
/// the merged disk and of each layer are of which kind. Walks the allocation tables. Error{limit}
/// for a chain whose headers hold more than limits.h lets one document have.
Json image_info_json(const ImageChain& chain, const Work& work);

/// Calls `visit` with each extent of a disk in order, neighbours of one kind merged, until it
/// returns false.
void walk_extents(const DiskSource& source, const std::function<bool(const DiskExtent&)>& visit);

/// The first extents of a disk, neighbours of one kind merged; fewer than count_max means all.
std::vector<DiskExtent> map_extents(const DiskSource& source, std::size_t count_max);

/// One extent as it stands in JSON: {"offset","length","kind"}.
Json extent_json(const DiskExtent& extent);

struct DifferingRange {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    bool operator==(const DifferingRange&) const = default;
};

struct DiskComparison {
    std::uint64_t first_size_bytes = 0;
    std::uint64_t second_size_bytes = 0;
    std::uint64_t differing_bytes = 0;   ///< In ranges, whole sectors.
    std::vector<DifferingRange> ranges;  ///< At most kDifferingRangesMax.
    bool is_truncated = false;           ///< There were more ranges.
    bool is_equal() const { return differing_bytes == 0 && first_size_bytes == second_size_bytes; }
};

/// Compares content by the sector of the first disk. Where one disk ends, what the longer one holds
/// beyond is compared with zeros. Throws Error{parent_missing} for an incomplete chain.
DiskComparison compare_disks(const DiskSource& first, const DiskSource& second, const Work& work);

std::string_view to_string(ExtentKind kind);

}  // namespace entrepot::disk
