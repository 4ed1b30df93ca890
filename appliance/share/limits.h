// Bounds of the share: what hosts, an administrator or Samba's tools may make us do.
#pragma once

#include "base/bytes.h"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace entrepot::share::limits {

/// System accounts for hosts: entrepot-share-01 and on. The name has to fit Windows' 20 characters.
inline constexpr std::uint32_t kAccountsMax = 999;
inline constexpr std::uint32_t kAccountsDefault = 16;

/// Shares that one Samba of ours serves.
inline constexpr std::size_t kManagedSharesMax = 64;

/// What a host is told that it has where no quota is set: more than any export needs, and no news
/// of what anybody else uses.
inline constexpr std::uint64_t kUnlimitedBytes = 64 * kTiB;

/// Of a quota; below, not even the configuration files of a VM would fit.
inline constexpr std::uint64_t kQuotaBytesMin = 64 * kMiB;
inline constexpr std::uint64_t kQuotaBytesMax = 4096 * kTiB;

/// Entries that are counted below a host's folder; more count as beyond every quota.
inline constexpr std::size_t kUseEntriesMax = 20'000;
inline constexpr std::size_t kUseDepthMax = 16;

/// Connections that our Samba takes, each a process.
inline constexpr std::uint32_t kSambaProcessesMax = 200;
/// Samba's own log, which it then begins anew, keeping one old one.
inline constexpr std::uint32_t kSambaLogKibMax = 2'000;
inline constexpr std::size_t kLogTailBytes = 8 * kKiB;
inline constexpr std::size_t kLogTailLinesMax = 40;

}  // namespace entrepot::share::limits
