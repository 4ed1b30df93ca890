// Bounds of the repository's formats: what is larger was not written by us.
#pragma once

#include "base/bytes.h"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace entrepot::repository::limits {

inline constexpr std::uint32_t kChunkSizeBytesMin = 32 * kKiB;
inline constexpr std::uint32_t kChunkSizeBytesMax = kMiB;
inline constexpr std::uint64_t kPackSizeBytesTarget = 64 * kMiB;
inline constexpr std::uint32_t kPackSlotsMax = 8192;
inline constexpr std::uint64_t kPackSizeBytesMax = 256 * kMiB;
inline constexpr std::uint64_t kDiskSizeBytesMax = 64 * kTiB;
inline constexpr std::uint32_t kMapDepthMax = 16;
inline constexpr std::size_t kDisksMax = 1024;
inline constexpr std::size_t kFilesMax = 4096;
inline constexpr std::size_t kFileBytesMax = 64 * kMiB;
inline constexpr std::size_t kManifestBytesMax = 64 * kMiB;
inline constexpr std::size_t kKeySlotsMax = 64;
inline constexpr std::size_t kKeySlotFileBytesMax = 64 * kKiB;
inline constexpr std::uint64_t kKeyMemoryBytesMax = kGiB;
inline constexpr std::uint64_t kKeyOperationsMax = 64;
inline constexpr std::size_t kRedirectsPerObjectMax = 65'536;
inline constexpr std::size_t kRedirectObjectBytesMax = 4 * kMiB;
inline constexpr std::size_t kRedirectHopsMax = 64;
inline constexpr std::size_t kStateBytesMax = 256 * kMiB;
inline constexpr unsigned kThreadsMax = 16;
/// More would copy the repository once over in one run; the next one goes on.
inline constexpr std::size_t kCompactionsMax = 1024;
inline constexpr std::size_t kPacksToldMax = 1000;
/// A first full of a large VM takes its time, and gc has all of it.
inline constexpr std::chrono::hours kGcWaitMax{24};
/// What was found sound longer ago has to be looked at again.
inline constexpr std::chrono::hours kVerificationAgeMax{7 * 24};
inline constexpr std::size_t kVerificationNameMax = 64;
/// What nobody can take back has an end.
inline constexpr std::chrono::seconds kMinimumAgeMax = std::chrono::days{10 * 366};

}  // namespace entrepot::repository::limits
