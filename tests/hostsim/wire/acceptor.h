// The service's side of one GSSAPI login: NTLM, Kerberos, and SPNEGO around either.
#pragma once

#include "base/bytes.h"
#include "tests/hostsim/wire/encrypted_message.h"

#include <gssapi/gssapi.h>

#include <optional>
#include <string>

namespace entrepot::hostsim {

/// How the token of the first leg was wrapped.
enum class TokenKind { ntlm, kerberos, spnego };

struct AcceptorOptions {
    TokenKind kind = TokenKind::spnego;
    bool takes_ntlm = true;
    bool takes_kerberos = false;  ///< Needs the process's keytab.
    std::string channel_binding;  ///< Empty: none is looked at.
};

class Acceptor {
public:
    /// Throws Error{internal} where the system has no such mechanism.
    explicit Acceptor(const AcceptorOptions& options);
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;
    ~Acceptor();

    enum class Outcome { refused, more, done };
    /// `answer` is the token for the client; it may be empty.
    Outcome accept(Bytes& token, Bytes& answer);

    std::string client_name() const;
    bool is_kerberos() const;
    /// The client has bound its login to our channel; known of Kerberos alone.
    bool is_channel_bound() const { return is_channel_bound_; }

    /// Nullopt if the message was changed, repeated or signed only.
    std::optional<std::string> open(const EncryptedMessage& message);
    EncryptedMessage seal(std::string plain);

private:
    std::string channel_binding_;
    gss_cred_id_t credential_ = GSS_C_NO_CREDENTIAL;
    gss_ctx_id_t context_ = GSS_C_NO_CONTEXT;
    gss_name_t name_ = GSS_C_NO_NAME;
    gss_OID mechanism_ = GSS_C_NO_OID;
    bool is_channel_bound_ = false;
};

}  // namespace entrepot::hostsim
