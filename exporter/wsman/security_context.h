// Our side of a login by tokens (GSSAPI: SPNEGO with NTLM inside, or bare NTLM).
#pragma once

#include "base/bytes.h"
#include "base/secret.h"

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
};

enum class Mechanism { spnego_ntlm, ntlm };

struct SecurityContextOptions {
    Mechanism mechanism = Mechanism::spnego_ntlm;
    std::string user;  ///< DOMAIN\user, HOST\user or user.
    Secret password;
    std::string target_host;
    Bytes channel_binding;  ///< Empty: none.
};

/// Throws Error{unauthenticated} if the system has no such mechanism, or takes no such name.
std::unique_ptr<SecurityContext> make_security_context(const SecurityContextOptions& options);

}  // namespace entrepot::wsman
