// The simulator's own certificate.
#pragma once

#include <filesystem>
#include <string>

namespace entrepot::hostsim {

/// Writes a self-signed certificate for the host name, localhost and 127.0.0.1, unless both files
/// are there.
void ensure_certificate(const std::filesystem::path& certificate, const std::filesystem::path& key,
                        const std::string& host_name);

/// SHA-256 of the certificate's DER, lower-case hex.
std::string certificate_digest(const std::filesystem::path& certificate);

/// "tls-server-end-point:" and the hash that RFC 5929 wants of it.
std::string channel_binding_of(const std::filesystem::path& certificate);

}  // namespace entrepot::hostsim
