// The Date of an HTTP answer, which tells how far a host's clock is from ours (RFC 9110 5.6.7).
#pragma once

#include "base/clock.h"

#include <optional>
#include <string_view>

namespace entrepot::wsman {

/// "Sun, 06 Nov 1994 08:49:37 GMT"; nullopt for anything else.
std::optional<WallTime> parse_http_date(std::string_view text);

}  // namespace entrepot::wsman
