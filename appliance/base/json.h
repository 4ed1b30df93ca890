// JSON with bounds on what comes in.
#pragma once

#include "base/limits.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace entrepot {

using Json = nlohmann::json;

/// Throws Error{invalid} naming `what` for text that is not JSON, too large, too deep, or with a
/// repeated key in one object. No value of the text stands in the error: it may be a secret.
Json parse_json(std::string_view text, const std::string& what,
                std::size_t size_bytes_max = limits::kJsonBytesMax);

/// Text that is valid UTF-8 whatever was put in: a bad byte becomes U+FFFD. Characters that a
/// terminal obeys (hidden_text.h) are escaped, so that the text can be a line of a log.
std::string dump_json(const Json& value, int indent = -1);

}  // namespace entrepot
