// Spans and vectors of bytes, and the units that sizes are written in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;
inline constexpr std::uint64_t kTiB = 1024 * kGiB;

using ByteView = std::span<const std::byte>;
using MutableByteView = std::span<std::byte>;
using Bytes = std::vector<std::byte>;

/// The bytes of a text, valid as long as the text is.
ByteView as_bytes(std::string_view text);

/// The text made of some bytes, valid as long as they are.
std::string_view as_text(ByteView bytes);

/// Lower-case hexadecimal.
std::string to_hex(ByteView bytes);

/// Decodes hexadecimal of either case. Throws Error{invalid} for an odd length or another
/// character.
Bytes from_hex(std::string_view text);

/// Standard base64 with padding.
std::string to_base64(ByteView bytes);

/// Decodes standard base64, padding required. Throws Error{invalid}.
Bytes from_base64(std::string_view text);

/// True if every byte is zero; an empty view is.
bool is_zero(ByteView bytes);

/// "1.5 GiB": for people, never parsed again.
std::string format_size(std::uint64_t size_bytes);

}  // namespace entrepot
