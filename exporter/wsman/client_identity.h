// A certificate and its key with which we prove to a host who we are, kept in memory.
#pragma once

#include "base/secret.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

namespace entrepot::wsman {

class ClientIdentity {
public:
    /// Both in PEM; certificates of intermediate CAs may follow the first. Throws Error{invalid}
    /// for what cannot be read, a key with a passphrase, or one that belongs to another
    /// certificate.
    static ClientIdentity load(const std::string& certificate_pem, const Secret& key_pem);

    /// Shows it to whoever asks in that context. False if OpenSSL refuses.
    bool use_in(SSL_CTX* context) const;

private:
    using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
    using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

    Certificate leaf_{nullptr, &X509_free};
    std::vector<Certificate> chain_;
    Key key_{nullptr, &EVP_PKEY_free};
};

}  // namespace entrepot::wsman
