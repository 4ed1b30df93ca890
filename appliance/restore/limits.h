// Bounds of a restore: what a host, a point or a person may make us do.
#pragma once

#include "base/bytes.h"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace entrepot::restore::limits {

/// Hyper-V's bound for names of VMs.
inline constexpr std::size_t kVmNameCharactersMax = 100;
/// MAX_PATH of Windows less room for our folders and the longest file name below.
inline constexpr std::size_t kHostPathBytesMax = 150;
inline constexpr std::size_t kPathPartsMax = 16;
inline constexpr std::size_t kFileStemBytesMax = 64;
inline constexpr std::size_t kSwitchChangesMax = 64;
inline constexpr std::size_t kNameAttemptsMax = 100;

/// How often one run asks for an import, or a realisation, whose answer was lost.
inline constexpr int kAttemptsMax = 2;
/// How often a planned VM is validated: after each of our repairs once more.
inline constexpr int kValidationsMax = 3;

/// What a share must have free besides the disks' content: tables, configuration files.
inline constexpr std::uint64_t kSpareBytes = 64 * kMiB;

/// How long a person may take to copy the files onto the host.
inline constexpr std::chrono::hours kCopyWaitMax{72};
/// Between two looks whether they are there: a twentieth of the time since, within these. Each is a
/// login, which the host writes down.
inline constexpr std::chrono::seconds kCopyPollMin{10};
inline constexpr std::chrono::seconds kCopyPollMax{120};
/// After a lost answer to an import: how long a job of somebody's may hide ours.
inline constexpr std::chrono::minutes kImportJobMax{30};

}  // namespace entrepot::restore::limits
