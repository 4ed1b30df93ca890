// Records of fixed length that begin with a magic word and end in the CRC-32C of all before it:
// the headers and trailers of packs and maps (FORMAT.md).
#pragma once

#include "base/bytes.h"
#include "base/little_endian.h"

#include <cstddef>
#include <string_view>

namespace entrepot::repository {

/// Fills up with zeros and closes with the checksum. Requires that 4 bytes are left for it.
Bytes seal_record(LittleEndianWriter& out, std::size_t size_bytes);

bool is_record_whole(ByteView bytes);

/// A reader behind the magic word of a whole record. Throws Error{corrupt} that names the object
/// ("pack") and the part ("header") where the magic or the checksum is another.
LittleEndianReader open_record(ByteView bytes, std::string_view magic, std::string_view object,
                               std::string_view part);

}  // namespace entrepot::repository
