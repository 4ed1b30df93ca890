// X.509 by OpenSSL; the only file here that knows its types.
#include "appliance/daemon/certificate.h"

#include "base/atomic_file.h"
#include "base/error.h"

#include <fmt/format.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <memory>
#include <utility>

namespace entrepot::daemon {
namespace {

constexpr long kDaySeconds = 24L * 60 * 60;
constexpr long kLifeSeconds = 825 * kDaySeconds;  // What browsers accept at most.
constexpr long kRenewSeconds = 30 * kDaySeconds;
constexpr long kBackdateSeconds = kDaySeconds;  // For clients whose clock is behind.
constexpr std::size_t kCertificateBytesMax = 64 * 1024;
constexpr int kSerialBits = 127;
constexpr char kCommonName[] = "Entrepot";

template <auto Free>
struct Deleter {
    template <typename T>
    void operator()(T* object) const {
        Free(object);
    }
};
using KeyPointer = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using CertificatePointer = std::unique_ptr<X509, Deleter<X509_free>>;
using BioPointer = std::unique_ptr<BIO, Deleter<BIO_free>>;
using ExtensionPointer = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using NamesPointer = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES_free>>;
using NumberPointer = std::unique_ptr<BIGNUM, Deleter<BN_free>>;

void require(bool is_good, const char* step) {
    if (is_good) return;
    throw Error{ErrorCode::internal, fmt::format("making the certificate failed at: {} ({})", step,
                                                 ERR_error_string(ERR_get_error(), nullptr))};
}

bool is_address(const std::string& name) {
    ASN1_OCTET_STRING* parsed = a2i_IPADDRESS(name.c_str());
    const bool is_parsed = parsed != nullptr;
    ASN1_OCTET_STRING_free(parsed);
    return is_parsed;
}

std::string subject_alternative_names(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        if (!text.empty()) text += ',';
        text += (is_address(name) ? "IP:" : "DNS:") + name;
    }
    return text;
}

void add_extension(X509* certificate, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    const ExtensionPointer extension{X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str())};
    require(extension != nullptr, "an extension");
    require(X509_add_ext(certificate, extension.get(), -1) == 1, "adding an extension");
}

void set_serial(X509* certificate) {
    const NumberPointer number{BN_new()};
    require(BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1,
            "a serial number");
    require(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr,
            "setting the serial number");
}

CertificatePointer make_certificate(EVP_PKEY* key, std::time_t now,
                                    const std::vector<std::string>& names) {
    CertificatePointer certificate{X509_new()};
    require(certificate != nullptr, "a certificate");
    X509_set_version(certificate.get(), X509_VERSION_3);
    set_serial(certificate.get());
    require(
        ASN1_TIME_set(X509_getm_notBefore(certificate.get()), now - kBackdateSeconds) != nullptr &&
            ASN1_TIME_set(X509_getm_notAfter(certificate.get()), now + kLifeSeconds) != nullptr,
        "the times");
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(kCommonName), -1, -1,
                                       0) == 1,
            "the name");
    require(X509_set_issuer_name(certificate.get(), subject) == 1, "the issuer");
    require(X509_set_pubkey(certificate.get(), key) == 1, "the public key");
    add_extension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
    add_extension(certificate.get(), NID_key_usage, "critical,digitalSignature");
    add_extension(certificate.get(), NID_ext_key_usage, "serverAuth");
    add_extension(certificate.get(), NID_subject_alt_name, subject_alternative_names(names));
    require(X509_sign(certificate.get(), key, EVP_sha256()) > 0, "signing");
    return certificate;
}

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

CertificatePointer read_certificate(FileSystem& file_system, const std::filesystem::path& path) {
    const Bytes pem = file_system.read_file(path, kCertificateBytesMax);
    const BioPointer bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
    CertificatePointer certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)};
    if (!certificate) {
        throw Error{ErrorCode::invalid, fmt::format("{} is no certificate in PEM", path.string()),
                    "remove the file; the next start makes a new one"};
    }
    return certificate;
}

bool ends_within(const X509* certificate, Clock& clock, long seconds) {
    std::time_t limit = std::chrono::system_clock::to_time_t(clock.wall_now()) + seconds;
    return X509_cmp_time(X509_get0_notAfter(certificate), &limit) <= 0;
}

// Ours are signed by themselves and bear our name; anything else is somebody's own.
bool is_ours(X509* certificate) {
    const auto* subject = X509_get_subject_name(certificate);
    if (X509_NAME_cmp(subject, X509_get_issuer_name(certificate)) != 0) return false;
    std::array<char, sizeof kCommonName> name{};
    const int length = X509_NAME_get_text_by_NID(subject, NID_commonName, name.data(),
                                                 static_cast<int>(name.size()));
    return length == static_cast<int>(sizeof kCommonName) - 1 &&
           std::string_view{name.data()} == kCommonName;
}

bool is_made_for(X509* certificate, const std::string& name) {
    return (is_address(name)
                ? X509_check_ip_asc(certificate, name.c_str(), 0)
                : X509_check_host(certificate, name.c_str(), name.size(), 0, nullptr)) == 1;
}

bool is_to_be_kept(FileSystem& file_system, Clock& clock, const CertificateFiles& files,
                   const std::vector<std::string>& names) {
    if (!file_system.exists(files.certificate) || !file_system.exists(files.key)) return false;
    const auto certificate = read_certificate(file_system, files.certificate);
    if (!is_ours(certificate.get())) return true;
    return !ends_within(certificate.get(), clock, kRenewSeconds) &&
           std::ranges::all_of(names, [&](const std::string& name) {
               return is_made_for(certificate.get(), name);
           });
}

}  // namespace

CertificateFiles certificate_files(const std::filesystem::path& directory) {
    return {directory / "certificate.pem", directory / "key.pem"};
}

CertificateFiles ensure_certificate(FileSystem& file_system, Clock& clock,
                                    const std::filesystem::path& directory,
                                    const std::vector<std::string>& names) {
    const CertificateFiles files = certificate_files(directory);
    if (is_to_be_kept(file_system, clock, files, names)) return files;

    const KeyPointer key{EVP_EC_gen("P-256")};
    require(key != nullptr, "a key");
    const auto certificate =
        make_certificate(key.get(), std::chrono::system_clock::to_time_t(clock.wall_now()), names);
    const BioPointer key_text{BIO_new(BIO_s_mem())};
    require(PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                     nullptr) == 1,
            "writing the key");
    const BioPointer certificate_text{BIO_new(BIO_s_mem())};
    require(PEM_write_bio_X509(certificate_text.get(), certificate.get()) == 1,
            "writing the certificate");

    file_system.make_directories(directory);
    write_file_atomically(file_system, files.key, as_bytes(text_of(key_text.get())));
    write_file_atomically(file_system, files.certificate,
                          as_bytes(text_of(certificate_text.get())));
    return files;
}

std::vector<std::string> names_of(FileSystem& file_system,
                                  const std::filesystem::path& certificate) {
    const auto parsed = read_certificate(file_system, certificate);
    const NamesPointer all{static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(parsed.get(), NID_subject_alt_name, nullptr, nullptr))};
    std::vector<std::string> names;
    for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
        if (name->type != GEN_DNS) continue;
        const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
        std::string lower{text, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))};
        for (char& c : lower)
            c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        names.push_back(std::move(lower));
    }
    return names;
}

bool ends_soon(FileSystem& file_system, Clock& clock, const std::filesystem::path& certificate) {
    const auto parsed = read_certificate(file_system, certificate);
    return ends_within(parsed.get(), clock, kRenewSeconds);
}

WallTime end_of(FileSystem& file_system, const std::filesystem::path& certificate) {
    const auto parsed = read_certificate(file_system, certificate);
    std::tm parts{};
    require(ASN1_TIME_to_tm(X509_get0_notAfter(parsed.get()), &parts) == 1, "reading its end");
    return std::chrono::time_point_cast<WallTime::duration>(
        std::chrono::system_clock::from_time_t(::timegm(&parts)));
}

std::string fingerprint(FileSystem& file_system, const std::filesystem::path& certificate) {
    const auto parsed = read_certificate(file_system, certificate);
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    unsigned int length = 0;
    require(X509_digest(parsed.get(), EVP_sha256(), digest.data(), &length) == 1, "the digest");
    return to_hex(std::as_bytes(std::span{digest}));
}

}  // namespace entrepot::daemon
