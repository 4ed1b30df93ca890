// LZ77 with Huffman, that Windows calls XPRESS: MS-XCA 2.1 and 2.2.
#pragma once

#include "base/bytes.h"

namespace entrepot::guest {

/// One chunk of at most 64 KiB: fills the target. Error{corrupt}.
void decompress_xpress_huffman(ByteView input, MutableByteView target);

}  // namespace entrepot::guest
