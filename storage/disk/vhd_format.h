// Constants of the VHD format ("Virtual Hard Disk Image Format Specification", 2006; vhdx.md
// section 8 for what real writers do). All integers are big-endian.
#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <string_view>

namespace entrepot::disk::vhd {

inline constexpr std::uint64_t kSectorBytes = 512;

inline constexpr std::string_view kFooterCookie = "conectix";
inline constexpr std::size_t kFooterBytes = 512;
/// Of Virtual PC 2004 and older: the last byte of the reserved ones is missing.
inline constexpr std::size_t kOldFooterBytes = 511;
inline constexpr std::size_t kFooterChecksumOffset = 64;
inline constexpr std::uint32_t kFeatureReserved = 2;  ///< Always set.
inline constexpr std::uint32_t kVersion = 0x00010000;
inline constexpr std::uint64_t kNoOffset = ~std::uint64_t{0};

inline constexpr std::uint32_t kTypeFixed = 2;
inline constexpr std::uint32_t kTypeDynamic = 3;
inline constexpr std::uint32_t kTypeDifferencing = 4;

inline constexpr std::string_view kHeaderCookie = "cxsparse";
inline constexpr std::size_t kHeaderBytes = 1024;
inline constexpr std::size_t kHeaderChecksumOffset = 36;
inline constexpr std::size_t kParentNameBytes = 512;
inline constexpr std::size_t kLocatorCount = 8;

inline constexpr std::uint64_t kTableEntryBytes = 4;
inline constexpr std::uint32_t kAbsent = 0xFFFFFFFF;

/// A sector holds the bits of this many sectors.
inline constexpr std::uint64_t kBitsPerSector = kSectorBytes * 8;

}  // namespace entrepot::disk::vhd
