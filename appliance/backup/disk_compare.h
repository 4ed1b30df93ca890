// Where two accounts of one disk at one moment disagree: a full, and what increments make of it.
#pragma once

#include "appliance/backup/byte_range.h"
#include "appliance/backup/disk_copy.h"
#include "appliance/backup/merged_disk.h"

#include "storage/disk/disk_source.h"

#include "base/progress.h"

#include <cstdint>
#include <vector>

namespace entrepot::backup {

struct DiskComparison {
    std::uint64_t compared_bytes = 0;  ///< The whole disk, holes included.
    std::uint64_t disagreeing_bytes = 0;
    /// Chunks that differ only where one side says that the guest gave the range back: what reads
    /// there means nothing, so that it is no disagreement.
    std::uint64_t discarded_bytes = 0;
    std::vector<ByteRange> ranges;  ///< Disagreeing chunks, joined where they touch; the first
                                    ///< limits::kComparisonRangesMax.
    std::uint64_t range_count = 0;
};

/// Compares chunk by chunk; reads nothing where both say that there is nothing. Requires equal
/// sizes. Throws Error{cancelled} when stopped, and what reading throws.
DiskComparison compare_disks(const MergedDisk& claimed, const disk::DiskSource& truth,
                             std::uint32_t chunk_size_bytes, CopyProgress& progress,
                             const Work& work);

}  // namespace entrepot::backup
