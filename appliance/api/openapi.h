// The OpenAPI document, compiled in.
#pragma once

#include <string_view>

namespace entrepot::api {

/// The text of openapi.json.
std::string_view openapi_document();

}  // namespace entrepot::api
