// LZX as WIM files and CompactOS use it: chunks of 32 KiB, each by itself. The format is in
// MS-PATCH 2 ("LZX DELTA"); what differs is in Microsoft's "Windows Imaging File Format".
#pragma once

#include "base/bytes.h"

#include <cstddef>

namespace entrepot::guest {

inline constexpr std::size_t kLzxChunkBytes = 32 * 1024;

/// One chunk: fills the target, which has at most kLzxChunkBytes. Error{corrupt}.
void decompress_lzx(ByteView input, MutableByteView target);

}  // namespace entrepot::guest
