// OpenSSL's calls for keys and certificates.
#include "tests/doctor/certificate_maker.h"

#include "base/bytes.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <span>
#include <stdexcept>

namespace entrepot::test {
namespace {

void add_extension(X509* certificate, int id, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

void set_name(X509_NAME* target, const std::string& name) {
    X509_NAME_add_entry_by_txt(target, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
}

Identity begin(const CertificateWish& wish) {
    Identity identity;
    identity.key.reset(EVP_EC_gen("P-256"));
    identity.certificate.reset(X509_new());
    X509* certificate = identity.certificate.get();
    X509_set_version(certificate, 2);
    static long serial = 1;
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), wish.begins.count());
    X509_gmtime_adj(X509_getm_notAfter(certificate), wish.ends.count());
    X509_set_pubkey(certificate, identity.key.get());
    set_name(X509_get_subject_name(certificate), wish.name);
    return identity;
}

void sign(Identity& identity, const Identity* issuer) {
    X509* certificate = identity.certificate.get();
    const X509* signer = issuer == nullptr ? certificate : issuer->certificate.get();
    EVP_PKEY* key = issuer == nullptr ? identity.key.get() : issuer->key.get();
    X509_set_issuer_name(certificate, X509_get_subject_name(signer));
    if (X509_sign(certificate, key, EVP_sha256()) == 0) {
        throw std::runtime_error{"the certificate cannot be signed"};
    }
}

}  // namespace

Identity make_identity(const CertificateWish& wish, const Identity* issuer) {
    Identity identity = begin(wish);
    X509* certificate = identity.certificate.get();
    add_extension(certificate, NID_subject_alt_name, "DNS:" + wish.name);
    if (!wish.purpose.empty()) add_extension(certificate, NID_ext_key_usage, wish.purpose);
    sign(identity, issuer);
    return identity;
}

Identity make_authority(const std::string& name) {
    Identity identity = begin({.name = name});
    add_extension(identity.certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
    sign(identity, nullptr);
    return identity;
}

std::string Identity::pem() const {
    const std::unique_ptr<BIO, decltype(&BIO_free)> memory{BIO_new(BIO_s_mem()), &BIO_free};
    PEM_write_bio_X509(memory.get(), certificate.get());
    char* text = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

std::string Identity::sha256() const {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    X509_digest(certificate.get(), EVP_sha256(), digest.data(), &size);
    return to_hex(std::as_bytes(std::span{digest}.first(size)));
}

}  // namespace entrepot::test
