// The listener's own certificate: made on the first start, renewed before it ends.
#pragma once

#include "base/clock.h"
#include "base/file_system.h"

#include <filesystem>
#include <string>
#include <vector>

namespace entrepot::daemon {

struct CertificateFiles {
    std::filesystem::path certificate;
    std::filesystem::path key;  ///< Mode 0600.
};

/// Where a pair lies in a directory.
CertificateFiles certificate_files(const std::filesystem::path& directory);

/// Makes a self-signed P-256 certificate for the names and addresses in `directory`, unless a pair
/// is there that has all of them and is valid for another 30 days, or that somebody else signed:
/// that one is never replaced. Throws Error{internal} if OpenSSL fails, or an error of the file
/// system.
CertificateFiles ensure_certificate(FileSystem& file_system, Clock& clock,
                                    const std::filesystem::path& directory,
                                    const std::vector<std::string>& names);

/// The names it is made for, lower case, without addresses: "backup.example.org", "*.example.org".
std::vector<std::string> names_of(FileSystem& file_system,
                                  const std::filesystem::path& certificate);

/// Whether it ends within 30 days, or has ended: somebody must look after it.
bool ends_soon(FileSystem& file_system, Clock& clock, const std::filesystem::path& certificate);

/// Its notAfter. Error{invalid} for a file that holds no certificate.
WallTime end_of(FileSystem& file_system, const std::filesystem::path& certificate);

/// SHA-256 of the certificate's DER, hex: what a person compares with the browser's warning.
std::string fingerprint(FileSystem& file_system, const std::filesystem::path& certificate);

}  // namespace entrepot::daemon
