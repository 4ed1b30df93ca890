// What LZ77 calls a match: a repetition of what was written before, which may overlap itself.
#pragma once

#include "base/bytes.h"

#include <cstddef>

namespace entrepot::guest {

/// Appends `length` bytes that stand `distance` before `done`; the new end. Error{corrupt} if they
/// are not all there, or have no room.
std::size_t copy_earlier(MutableByteView target, std::size_t done, std::size_t distance,
                         std::size_t length);

}  // namespace entrepot::guest
