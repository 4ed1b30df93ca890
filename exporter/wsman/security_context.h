// Our side of a login by tokens, and the sealing of messages with what it agreed on (GSSAPI: SPNEGO
// with Kerberos or NTLM inside, or one of the two by itself).
#pragma once

#include "base/bytes.h"
#include "base/secret.h"
#include "exporter/wsman/sealed_body.h"

#include <memory>
#include <string>

namespace entrepot::wsman {

class SecurityContext {
public:
    virtual ~SecurityContext() = default;
    /// Takes the host's token (empty for the first) and gives ours (empty if there is nothing more
    /// to send). Throws Error{unauthenticated}.
    virtual Bytes step(ByteView token_from_host) = 0;
    virtual bool is_complete() const = 0;
    /// Encrypts the next message of ours. Requires is_complete(). Throws Error{unauthenticated} if
    /// the login agreed on no encryption.
    virtual SealedMessage seal(ByteView plain) = 0;
    /// Decrypts the host's next message. Throws Error{protocol} for one that was changed, repeated,
    /// left out or not encrypted.
    virtual Bytes unseal(const SealedMessage& message) = 0;
};

enum class Mechanism { spnego_ntlm, ntlm, spnego_kerberos, kerberos };

struct SecurityContextOptions {
    Mechanism mechanism = Mechanism::spnego_ntlm;
    std::string user{};  ///< DOMAIN\user, HOST\user or user; for Kerberos user@REALM.
    Secret password{};
    std::string target_host{};
    Bytes channel_binding{};  ///< Empty: none.
    Secret keytab{};          ///< For Kerberos: content of a keytab, instead of a password.
    std::string service{};  ///< For Kerberos: "HTTP", "WSMAN", "host" or SERVICE/HOST; empty: HTTP.
};

/// Throws Error{unauthenticated} if the system has no such mechanism, or takes no such name; for
/// Kerberos it asks the KDC for the tickets and throws what kerberos_ticket.h says.
std::unique_ptr<SecurityContext> make_security_context(const SecurityContextOptions& options);

}  // namespace entrepot::wsman
