// Reading PEM with OpenSSL. No file is involved: the key is sealed in the appliance's database.
#include "exporter/wsman/client_identity.h"

#include "base/error.h"
#include "exporter/wsman/limits.h"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace entrepot::wsman {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

Bio reader_of(std::string_view text) {
    return Bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

// A passphrase is never asked for on a terminal.
int no_passphrase(char*, int, int, void*) {
    return -1;
}

}  // namespace

ClientIdentity ClientIdentity::load(const std::string& certificate_pem, const Secret& key_pem) {
    const bool is_too_long = certificate_pem.size() > limits::kClientPemBytesMax ||
                             key_pem.reveal().size() > limits::kClientPemBytesMax;
    if (is_too_long) throw Error{ErrorCode::invalid, "the client certificate or key is too long"};
    ClientIdentity identity;
    const Bio certificates = reader_of(certificate_pem);
    while (X509* raw = PEM_read_bio_X509(certificates.get(), nullptr, &no_passphrase, nullptr)) {
        Certificate one{raw, &X509_free};
        if (identity.leaf_ == nullptr) {
            identity.leaf_ = std::move(one);
        } else {
            identity.chain_.push_back(std::move(one));
        }
    }
    const Bio key = reader_of(key_pem.reveal_text());
    identity.key_.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, &no_passphrase, nullptr));
    ERR_clear_error();
    if (identity.leaf_ == nullptr) {
        throw Error{ErrorCode::invalid, "the client certificate is no certificate in PEM"};
    }
    if (identity.key_ == nullptr) {
        throw Error{ErrorCode::invalid,
                    "the client certificate's key cannot be read: no PEM, or it has a passphrase",
                    "'openssl pkey -in KEY -out PLAIN' takes the passphrase off; the appliance "
                    "keeps the key encrypted."};
    }
    if (X509_check_private_key(identity.leaf_.get(), identity.key_.get()) != 1) {
        ERR_clear_error();
        throw Error{ErrorCode::invalid, "the key does not belong to the client certificate"};
    }
    return identity;
}

bool ClientIdentity::use_in(SSL_CTX* context) const {
    if (SSL_CTX_use_certificate(context, leaf_.get()) != 1) return false;
    for (const Certificate& one : chain_) {
        if (SSL_CTX_add1_chain_cert(context, one.get()) != 1) return false;
    }
    return SSL_CTX_use_PrivateKey(context, key_.get()) == 1;
}

}  // namespace entrepot::wsman
