// The simulator's own certificate.
#pragma once

#include <filesystem>
#include <string>

namespace entrepot::hostsim {

/// Writes a self-signed certificate for the host name, localhost and 127.0.0.1, unless both files
/// are there.
void ensure_certificate(const std::filesystem::path& certificate, const std::filesystem::path& key,
                        const std::string& host_name);

/// What may be wrong with the certificate that a connection is shown.
enum class Oddity { none, other_key, expired, wrong_name, old_protocol };

/// Writes, beside a certificate, one of the same key that has ended, one of the same key for
/// another name, both issued by it, and one of another key, unless they are there.
void ensure_odd_certificates(const std::filesystem::path& certificate,
                             const std::filesystem::path& key, const std::filesystem::path& folder,
                             const std::string& host_name);

struct CertificateFiles {
    std::filesystem::path certificate;
    std::filesystem::path key;
};
/// The files for an oddity, in the folder where they were made.
CertificateFiles odd_certificate(Oddity oddity, const std::filesystem::path& folder);

/// SHA-256 of the certificate's DER, lower-case hex.
std::string certificate_digest(const std::filesystem::path& certificate);

/// "tls-server-end-point:" and the hash that RFC 5929 wants of it.
std::string channel_binding_of(const std::filesystem::path& certificate);

}  // namespace entrepot::hostsim
