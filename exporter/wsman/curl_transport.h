// The transport over libcurl: HTTP/1.1 over TLS, one easy handle, one connection.
#pragma once

#include "exporter/wsman/transport.h"

#include <filesystem>
#include <memory>
#include <string>

namespace entrepot::wsman {

struct CurlTransportOptions {
    std::string url{};                ///< https only.
    std::filesystem::path ca_file{};  ///< Empty: the system's, unless a pin is given.
    std::string pin_sha256{};         ///< Hex; then exactly this leaf certificate is accepted.
};

/// Throws Error{invalid} for a URL or pin that is none, Error{unsupported} for plain HTTP.
std::unique_ptr<Transport> make_curl_transport(const CurlTransportOptions& options);

/// Host name of a URL, for the service's name. Throws Error{invalid}.
std::string host_of_url(const std::string& url);

}  // namespace entrepot::wsman
