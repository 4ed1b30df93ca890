// Turns extents into runs of chunks; see chunk_runs.h.
#include "appliance/backup/chunk_runs.h"

#include "base/check.h"

#include <algorithm>

namespace entrepot::backup {

using disk::DiskExtent;
using disk::ExtentKind;

std::optional<ChunkRun> ChunkRuns::next() {
    const std::uint64_t size = source_.size_bytes();
    while (position_ < size) {
        const DiskExtent extent = source_.extent_at(position_, size - position_);
        ENTREPOT_CHECK(extent.offset == position_ && extent.length > 0 &&
                       extent.length <= size - position_);
        const bool reaches_end = extent.length == size - position_;
        const std::uint64_t whole =
            reaches_end ? extent.length : extent.length - extent.length % chunk_size_bytes_;
        if (whole == 0) {
            if (const auto run = next_mixed()) return run;
            continue;
        }
        const std::uint64_t offset = position_;
        position_ += whole;
        if (extent.kind == ExtentKind::parent) continue;
        return ChunkRun{offset, whole, extent.kind != ExtentKind::data};
    }
    return std::nullopt;
}

std::optional<ChunkRun> ChunkRuns::next_mixed() {
    const std::uint64_t begin = position_;
    const std::uint64_t end =
        begin + std::min<std::uint64_t>(chunk_size_bytes_, source_.size_bytes() - begin);
    bool has_zero = false;
    bool has_parent = false;
    bool has_data = false;
    for (std::uint64_t at = begin; at < end;) {
        const DiskExtent extent = source_.extent_at(at, end - at);
        ENTREPOT_CHECK(extent.offset == at && extent.length > 0 && extent.length <= end - at);
        has_data = has_data || extent.kind == ExtentKind::data;
        has_parent = has_parent || extent.kind == ExtentKind::parent;
        has_zero =
            has_zero || extent.kind == ExtentKind::zero || extent.kind == ExtentKind::unmapped;
        at += extent.length;
    }
    position_ = end;
    if (!has_data && !has_zero) return std::nullopt;
    // Zeros beside a range of the parent's: the chunk holds the parent's bytes, too.
    return ChunkRun{begin, end - begin, !has_data && !has_parent};
}

std::uint64_t count_data_bytes(const disk::DiskSource& source, std::uint32_t chunk_size_bytes) {
    ChunkRuns runs{source, chunk_size_bytes};
    std::uint64_t total = 0;
    while (const auto run = runs.next()) {
        if (!run->is_zero) total += run->length;
    }
    return total;
}

}  // namespace entrepot::backup
