// The console's files, compiled into the program. Follows the architecture, "The console".
#pragma once

#include <string_view>

namespace entrepot::web {

/// What the server sends with every file of the console, as Content-Security-Policy. The browser
/// tests run under this very text.
inline constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for "
    "'script'; trusted-types 'none'";

struct Asset {
    std::string_view path;  ///< "/index.html", "/assets/index-1a2b3c4d.js".
    std::string_view content_type;
    std::string_view content;
    std::string_view etag;  ///< Quoted, as it stands in the header.
};

/// The file of a path, "/" being "/index.html"; nullptr if there is none. Files below "/assets/"
/// carry their digest in their name and never change.
const Asset* find_asset(std::string_view path);

}  // namespace entrepot::web
