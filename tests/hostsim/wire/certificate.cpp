// Self-signed certificates with OpenSSL 3.
#include "tests/hostsim/wire/certificate.h"

#include "base/bytes.h"
#include "base/error.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>

namespace entrepot::hostsim {
namespace {

constexpr long kValidSeconds = 10L * 365 * 24 * 3600;
constexpr unsigned kKeyBits = 2048;

struct Closer {
    void operator()(X509* x) const { X509_free(x); }
    void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
    void operator()(std::FILE* x) const { std::fclose(x); }
    void operator()(X509_EXTENSION* x) const { X509_EXTENSION_free(x); }
};
template <typename T>
using Owned = std::unique_ptr<T, Closer>;

Owned<std::FILE> open_file(const std::filesystem::path& path, const char* mode) {
    Owned<std::FILE> file{std::fopen(path.c_str(), mode)};
    if (!file) throw Error{ErrorCode::io, fmt::format("cannot open {}", path.string())};
    return file;
}

void add_extension(X509* certificate, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    const Owned<X509_EXTENSION> extension{
        X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str())};
    if (!extension) throw Error{ErrorCode::internal, fmt::format("extension {}", value)};
    X509_add_ext(certificate, extension.get(), -1);
}

/// What a certificate is made of. Without an issuer it is signed by itself.
struct Recipe {
    std::string name;
    std::string alternative_names;
    long valid_from = -3600;  ///< Seconds from now.
    long valid_until = kValidSeconds;
    X509_NAME* issuer = nullptr;
};

Owned<X509> make_certificate(EVP_PKEY* key, const Recipe& recipe) {
    Owned<X509> certificate{X509_new()};
    X509_set_version(certificate.get(), 2);
    std::uint64_t serial = 0;
    RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), recipe.valid_from);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), recipe.valid_until);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(recipe.name.c_str()), -1, -1,
                               0);
    X509_set_issuer_name(certificate.get(), recipe.issuer != nullptr ? recipe.issuer : name);
    add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate.get(), NID_ext_key_usage, "serverAuth");
    add_extension(certificate.get(), NID_subject_alt_name, recipe.alternative_names);
    if (X509_sign(certificate.get(), key, EVP_sha256()) == 0) {
        throw Error{ErrorCode::internal, "cannot sign the certificate"};
    }
    return certificate;
}

std::string local_names(const std::string& host_name) {
    return fmt::format("DNS:{},DNS:localhost,IP:127.0.0.1,IP:::1", host_name);
}

void write_pair(const CertificateFiles& files, X509* certificate, EVP_PKEY* key) {
    const auto key_file = open_file(files.key, "w");
    const auto certificate_file = open_file(files.certificate, "w");
    const bool is_written =
        PEM_write_PrivateKey(key_file.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1 &&
        PEM_write_X509(certificate_file.get(), certificate) == 1;
    if (!is_written) throw Error{ErrorCode::io, "cannot write the certificate"};
}

Owned<X509> read_certificate(const std::filesystem::path& certificate) {
    const auto file = open_file(certificate, "r");
    Owned<X509> read{PEM_read_X509(file.get(), nullptr, nullptr, nullptr)};
    if (!read)
        throw Error{ErrorCode::invalid, fmt::format("{}: no certificate", certificate.string())};
    return read;
}

std::string digest_text(const X509* certificate, const EVP_MD* method) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    X509_digest(certificate, method, digest, &length);
    return {reinterpret_cast<const char*>(digest), length};
}

}  // namespace

void ensure_certificate(const std::filesystem::path& certificate, const std::filesystem::path& key,
                        const std::string& host_name) {
    if (std::filesystem::exists(certificate) && std::filesystem::exists(key)) return;
    const Owned<EVP_PKEY> pair{EVP_RSA_gen(kKeyBits)};
    if (!pair) throw Error{ErrorCode::internal, "cannot make a key"};
    const Owned<X509> made = make_certificate(
        pair.get(), {.name = host_name, .alternative_names = local_names(host_name)});
    write_pair({certificate, key}, made.get(), pair.get());
}

CertificateFiles odd_certificate(Oddity oddity, const std::filesystem::path& folder) {
    const char* name = oddity == Oddity::expired      ? "expired"
                       : oddity == Oddity::wrong_name ? "wrong-name"
                                                      : "other-key";
    return {folder / fmt::format("{}.pem", name), folder / fmt::format("{}-key.pem", name)};
}

void ensure_odd_certificates(const std::filesystem::path& certificate,
                             const std::filesystem::path& key, const std::filesystem::path& folder,
                             const std::string& host_name) {
    constexpr long kYearSeconds = 365L * 24 * 3600;
    if (std::filesystem::exists(odd_certificate(Oddity::other_key, folder).key)) return;
    const auto key_file = open_file(key, "r");
    const Owned<EVP_PKEY> own{PEM_read_PrivateKey(key_file.get(), nullptr, nullptr, nullptr)};
    if (!own) throw Error{ErrorCode::invalid, fmt::format("{}: no key", key.string())};
    const Owned<X509> issuer = read_certificate(certificate);
    X509_NAME* issuer_name = X509_get_subject_name(issuer.get());
    const Owned<X509> expired =
        make_certificate(own.get(), {.name = host_name,
                                     .alternative_names = local_names(host_name),
                                     .valid_from = -2 * kYearSeconds,
                                     .valid_until = -kYearSeconds,
                                     .issuer = issuer_name});
    write_pair(odd_certificate(Oddity::expired, folder), expired.get(), own.get());
    const Owned<X509> wrong_name =
        make_certificate(own.get(), {.name = "elsewhere.example",
                                     .alternative_names = "DNS:elsewhere.example",
                                     .issuer = issuer_name});
    write_pair(odd_certificate(Oddity::wrong_name, folder), wrong_name.get(), own.get());
    const Owned<EVP_PKEY> other_key{EVP_EC_gen("P-256")};
    if (!other_key) throw Error{ErrorCode::internal, "cannot make a key"};
    const Owned<X509> other = make_certificate(
        other_key.get(), {.name = host_name, .alternative_names = local_names(host_name)});
    write_pair(odd_certificate(Oddity::other_key, folder), other.get(), other_key.get());
}

std::string certificate_digest(const std::filesystem::path& certificate) {
    return to_hex(as_bytes(digest_text(read_certificate(certificate).get(), EVP_sha256())));
}

std::string channel_binding_of(const std::filesystem::path& certificate) {
    const Owned<X509> read = read_certificate(certificate);
    // SHA-256 stands in for what is weaker.
    const EVP_MD* method = EVP_sha256();
    const int signature = X509_get_signature_nid(read.get());
    if (signature == NID_sha384WithRSAEncryption || signature == NID_ecdsa_with_SHA384) {
        method = EVP_sha384();
    } else if (signature == NID_sha512WithRSAEncryption || signature == NID_ecdsa_with_SHA512) {
        method = EVP_sha512();
    }
    return "tls-server-end-point:" + digest_text(read.get(), method);
}

}  // namespace entrepot::hostsim
