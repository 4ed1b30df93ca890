// The words in which an image is refused. Whoever has a hex editor can go there and look.
#pragma once

#include "base/error.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace entrepot::disk {

/// What stands in an image, and where.
struct Field {
    std::string_view structure;  ///< For example "VHDX header".
    std::string name;
    std::string value;
    std::uint64_t offset = 0;  ///< Of the field in the file, in bytes.
};

/// "VHDX header: Version 2 at offset 65602 is not supported, only 1". The value may be empty.
[[noreturn]] void refuse_field(ErrorCode code, const Field& field, std::string_view why);

/// A text from an image as it may stand in a message: cut to 64 bytes, without control characters.
/// Requires UTF-8.
std::string shorten_text(std::string_view text);
/// The same in quotes.
std::string quote_text(std::string_view text);
/// 0x64616568
std::string hex32(std::uint32_t value);
/// 0x0000000000800006
std::string hex64(std::uint64_t value);

}  // namespace entrepot::disk
