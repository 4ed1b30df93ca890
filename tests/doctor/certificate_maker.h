// Certificates of every kind of wrongness, made on the spot.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <chrono>
#include <memory>
#include <string>

namespace entrepot::test {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

struct CertificateWish {
    std::string name = "localhost";      ///< Subject, and the one DNS name.
    std::chrono::seconds begins{-3600};  ///< From now.
    std::chrono::seconds ends{std::chrono::days{365}};
    std::string purpose = "serverAuth";  ///< Extended key usage; empty: none.
};

/// A certificate with its key.
struct Identity {
    Key key{nullptr, &EVP_PKEY_free};
    Certificate certificate{nullptr, &X509_free};

    std::string pem() const;
    std::string sha256() const;
};

/// Signed by `issuer`, or by itself.
Identity make_identity(const CertificateWish& wish, const Identity* issuer = nullptr);
/// A CA to sign with.
Identity make_authority(const std::string& name);

}  // namespace entrepot::test
