// What to do about a job that failed, where what failed did not know better.
#pragma once

#include "base/error.h"

#include <string_view>

namespace entrepot::jobs {

/// By the class of the error; empty for one that somebody wanted.
std::string_view default_hint(ErrorCode code);

}  // namespace entrepot::jobs
