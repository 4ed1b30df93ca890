// Copies what an export changed into a recovery point under construction.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/repository/repository.h"

#include "base/progress.h"
#include "base/rate_limit.h"

#include <cstdint>

namespace entrepot::backup {

/// Whether chunks that are zero must be written: they must where something lies below them.
enum class Zeros { write, skip };

/// How far the whole ingest is, over all disks.
struct CopyProgress {
    std::uint64_t done_bytes = 0;
    std::uint64_t total_bytes = 0;
};

struct CopyOptions {
    std::uint32_t chunk_size_bytes = 0;
    Zeros zeros = Zeros::write;
    RateLimit* limit = nullptr;  ///< Absent: as fast as it goes.
};

/// Writes every chunk that `changes` touches with what `content` shows there. Reads nothing else.
/// Throws Error{cancelled} when stopped.
void copy_changes(const disk::DiskSource& changes, const disk::DiskSource& content,
                  repository::DiskSink& sink, const CopyOptions& options, CopyProgress& progress,
                  const Work& work);

}  // namespace entrepot::backup
