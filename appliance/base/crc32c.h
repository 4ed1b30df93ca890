// CRC-32C (Castagnoli), as VHDX and our own formats use it.
#pragma once

#include "base/bytes.h"

#include <cstdint>

namespace entrepot {

/// Reflected polynomial 0x82F63B78, initial value and final xor all ones. Pass an earlier result to
/// go on.
std::uint32_t crc32c(ByteView bytes, std::uint32_t earlier = 0);

/// The checksum of a structure that contains its own checksum, with that u32 taken as zero.
std::uint32_t crc32c_with_zeroed_field(ByteView bytes, std::size_t field_offset);

}  // namespace entrepot
