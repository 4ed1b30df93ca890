// Bodies of the type multipart/encrypted as the service reads and writes them (MS-WSMV 2.2.9.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace entrepot::hostsim {

/// What stands in the second part.
struct EncryptedMessage {
    std::string seal;  ///< Signature, or token header.
    std::string data;
};

bool is_encrypted_type(const std::string& content_type);

/// Nullopt for anything that the service would not take: another protocol, a length that does not
/// fit, a boundary that is missing. A tab before inner headers may be there or not.
std::optional<EncryptedMessage> read_encrypted(const std::string& content_type,
                                               const std::string& body);

/// How answers are written: http.sys puts a tab before inner headers, OMI's client wants none.
struct EncryptedStyle {
    bool is_kerberos_scheme = false;  ///< The HTTP scheme, not the mechanism.
    bool has_tabs = true;
};

std::string encrypted_type(const EncryptedStyle& style);
std::string write_encrypted(const EncryptedMessage& message, const std::string& plain_type,
                            const EncryptedStyle& style);

}  // namespace entrepot::hostsim
