// Which chunks of a disk a set of extents touches, and whether they can be anything but zero.
#pragma once

#include "storage/disk/disk_source.h"

#include <cstdint>
#include <optional>

namespace entrepot::backup {

/// Whole chunks side by side (the last may end with the disk).
struct ChunkRun {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    bool is_zero = false;
};

/// Walks a disk from its start. Chunks that are the parent's altogether are left out; a chunk with
/// any data in it is data; cost follows the number of extents, never the size of the disk.
class ChunkRuns {
public:
    ChunkRuns(const disk::DiskSource& source, std::uint32_t chunk_size_bytes)
        : source_(source), chunk_size_bytes_(chunk_size_bytes) {}

    std::optional<ChunkRun> next();

private:
    /// The chunk at position_ consists of several extents.
    std::optional<ChunkRun> next_mixed();

    const disk::DiskSource& source_;
    std::uint32_t chunk_size_bytes_;
    std::uint64_t position_ = 0;
};

/// Bytes of all runs that are not zero: the work ahead.
std::uint64_t count_data_bytes(const disk::DiskSource& source, std::uint32_t chunk_size_bytes);

}  // namespace entrepot::backup
