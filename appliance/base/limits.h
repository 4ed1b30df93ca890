// Bounds that several layers share. A bound of one layer stands in that layer's own limits.h.
#pragma once

#include "base/bytes.h"

#include <cstddef>

namespace entrepot::limits {

inline constexpr std::size_t kJsonDepthMax = 32;
inline constexpr std::size_t kJsonBytesMax = 64 * kMiB;
inline constexpr std::size_t kRequestBodyBytesMax = kMiB;
inline constexpr std::size_t kSecretFileBytesMax = 64 * kKiB;
inline constexpr std::size_t kDirectoryEntriesMax = 1'000'000;

}  // namespace entrepot::limits
