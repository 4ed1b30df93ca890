// Bounds of the doctor: what it shows, and where "near" ends.
#pragma once

#include "base/bytes.h"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace entrepot::doctor::limits {

inline constexpr std::size_t kEvidenceBytesMax = 1'000;
inline constexpr std::size_t kNamesShownMax = 8;  ///< Of VMs, disks, folders in one evidence.
inline constexpr std::size_t kNameBytesMax = 100;
inline constexpr std::size_t kArgumentBytesMax = 400;
inline constexpr std::chrono::seconds kClockCloseMax{60};
inline constexpr std::chrono::minutes kKerberosSkewMax{5};
inline constexpr std::chrono::days kCertificateSoon{30};
inline constexpr std::uint64_t kShareFreeBytesMin = 1 * kGiB;
/// Below it large lists come in many pieces; WinRM's own default is 500.
inline constexpr std::uint32_t kEnvelopeKibMin = 150;
inline constexpr std::uint32_t kOperationsPerUserMin = 15;
inline constexpr std::uint16_t kSmbPort = 445;
inline constexpr std::uint16_t kHttpPort = 5985;
inline constexpr std::uint16_t kHttpsPort = 5986;

}  // namespace entrepot::doctor::limits
