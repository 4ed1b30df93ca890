// Names that people give to hosts, shares and policies: data for all other layers, bounded here.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace entrepot::state {

inline constexpr std::size_t kNameBytesMax = 128;

/// Throws Error{invalid} naming `noun` unless the name has 1 to 128 bytes of UTF-8 without control
/// characters, does not begin with '-', does not begin or end with a space, and is not a GUID
/// (which would make "name or id" ambiguous).
void check_name(std::string_view noun, std::string_view name);

}  // namespace entrepot::state
