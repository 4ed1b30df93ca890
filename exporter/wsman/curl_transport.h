// The transport over libcurl: HTTP/1.1, as a rule over TLS, one easy handle, one connection.
#pragma once

#include "base/secret.h"
#include "exporter/wsman/transport.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace entrepot::wsman {

/// Plain HTTP carries what is sealed already, and nothing else.
enum class PlainHttp { forbidden, allowed };

/// Whether a name may lead to this machine itself, or to an address that no host has: see
/// local_target.h. Who is allowed to add hosts need not be allowed to reach what listens here for
/// this machine only, and what a name leads to may change.
enum class LocalNames { allowed, forbidden };

struct CurlTransportOptions {
    std::string url{};
    std::filesystem::path ca_file{};   ///< Empty: the system's, unless a pin is given.
    std::string pin_sha256{};          ///< Hex; then exactly this leaf certificate is accepted.
    std::string client_certificate{};  ///< PEM, the chain after it; empty: none.
    Secret client_key{};               ///< PEM, without passphrase.
    PlainHttp plain_http = PlainHttp::forbidden;
    LocalNames local_names = LocalNames::allowed;  ///< An address in the URL is as it is.
};

/// Throws Error{invalid} for a URL, pin, certificate or key that is none, Error{unsupported} for
/// plain HTTP where it is forbidden.
std::unique_ptr<Transport> make_curl_transport(const CurlTransportOptions& options);

/// What a URL names: the port is the scheme's own where none is, the host stands without brackets.
struct UrlParts {
    std::string scheme;
    std::string host;
    std::uint16_t port = 0;
};
/// Throws Error{invalid}.
UrlParts parts_of_url(const std::string& url);

/// Host name of a URL, for the service's name. Throws Error{invalid}.
std::string host_of_url(const std::string& url);

}  // namespace entrepot::wsman
