// What file systems say of a file in bytes and numbers, as it is shown.
#pragma once

#include "base/clock.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace entrepot::guest {

/// As escape_name(), with slashes and backslashes left as they are; cut off where it is too long.
std::string shown_target(std::string_view raw);

/// nullopt for what is no time that a file system can mean.
std::optional<WallTime> wall_time_of(std::int64_t seconds);

}  // namespace entrepot::guest
