// Bounds of the backup layer: what a host, an export or a person may make us do.
#pragma once

#include "base/bytes.h"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace entrepot::backup::limits {

/// Content is copied in windows of this size; a multiple of every chunk size.
inline constexpr std::uint64_t kWindowBytes = 4 * kMiB;

inline constexpr std::size_t kExportDepthMax = 8;
inline constexpr std::size_t kExportEntriesMax = 20'000;
inline constexpr std::size_t kImagesMax = 4'096;
/// Manifest files of a VM: a .vmgs has 4 MiB.
inline constexpr std::size_t kConfigurationFileBytesMax = 64 * kMiB;
inline constexpr std::size_t kConfigurationFilesMax = 64;

/// Where a leaf wrote, remembered with the point; more are merged into fewer, larger ones.
inline constexpr std::size_t kLeafRangesMax = 512;

/// How often one run asks for an export: incremental, its repetition, the full after it.
inline constexpr std::uint32_t kExportAttemptsMax = 4;
inline constexpr std::uint32_t kSnapshotAttemptsMax = 4;
/// The same for the changes that a full is compared with: the full does not wait for more.
inline constexpr std::uint32_t kComparisonAttemptsMax = 2;

/// Of one disk, in the report of a comparison; and points that it casts doubt on.
inline constexpr std::size_t kComparisonRangesMax = 64;
inline constexpr std::size_t kSuspectPointsMax = 64;

/// How long an export that is ours already waits for the repository; a gc of a large one takes
/// hours.
inline constexpr std::chrono::hours kRepositoryWaitMax{24};
/// When a restore or a check that found it busy looks again.
inline constexpr std::chrono::seconds kRepositoryRetry{2};

/// Room for the configuration files and the images' tables, whatever the guest wrote.
inline constexpr std::uint64_t kExportMarginBytes = 32 * kMiB;
/// How often a backup that waits for room on its share looks again; it does, too, when a job ends.
inline constexpr std::chrono::seconds kSpaceRetry{30};

}  // namespace entrepot::backup::limits
