// A file's name in a header, whatever it is (RFC 6266 and RFC 8187).
#pragma once

#include <string>
#include <string_view>

namespace entrepot::api {

/// "attachment; filename=...; filename*=...". Requires UTF-8.
std::string attachment_named(std::string_view name);

}  // namespace entrepot::api
