// UTF-16LE, as VHDX writes names, to UTF-8 and back.
#pragma once

#include "base/bytes.h"

#include <optional>
#include <string>
#include <string_view>

namespace entrepot::disk {

/// Nullopt for an odd length, a lone surrogate or a NUL.
std::optional<std::string> utf16le_to_utf8(ByteView text);
/// Up to the first NUL, with U+FFFD for what is no character. Control characters become spaces.
std::string utf16le_to_utf8_lossy(ByteView text);
/// Requires valid UTF-8; throws Error{invalid} for another.
Bytes utf8_to_utf16le(std::string_view text);

}  // namespace entrepot::disk
