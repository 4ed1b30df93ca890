// Names that hosts gave, in messages for people.
#pragma once

#include <string>
#include <string_view>

namespace entrepot::share {

/// At most 200 bytes of it; what is not plain text shows as '?'.
std::string printable(std::string_view name);

}  // namespace entrepot::share
