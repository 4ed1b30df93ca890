// The hash that RFC 5929 section 4.1 wants of a server's certificate.
#include "exporter/wsman/channel_binding.h"

#include "base/error.h"

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include <array>
#include <memory>
#include <string_view>

namespace entrepot::wsman {

Bytes tls_server_end_point(ByteView certificate_der) {
    if (certificate_der.empty()) return {};
    const auto* cursor = reinterpret_cast<const unsigned char*>(certificate_der.data());
    const std::unique_ptr<X509, decltype(&X509_free)> certificate{
        d2i_X509(nullptr, &cursor, static_cast<long>(certificate_der.size())), &X509_free};
    int digest_id = NID_undef;
    if (certificate == nullptr ||
        X509_get_signature_info(certificate.get(), &digest_id, nullptr, nullptr, nullptr) != 1) {
        digest_id = NID_undef;
    }
    if (certificate == nullptr) {
        throw Error{ErrorCode::protocol, "the host's certificate cannot be read"};
    }
    // MD5 and SHA-1 are replaced by SHA-256; so is what names no hash (Ed25519).
    const bool is_weak = digest_id == NID_undef || digest_id == NID_md5 || digest_id == NID_sha1;
    const EVP_MD* digest = is_weak ? EVP_sha256() : EVP_get_digestbynid(digest_id);
    if (digest == nullptr) digest = EVP_sha256();

    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned int size = 0;
    if (EVP_Digest(certificate_der.data(), certificate_der.size(), hash.data(), &size, digest,
                   nullptr) != 1) {
        throw Error{ErrorCode::internal, "hashing the host's certificate failed"};
    }
    constexpr std::string_view kPrefix = "tls-server-end-point:";
    const ByteView prefix = as_bytes(kPrefix);
    Bytes binding{prefix.begin(), prefix.end()};
    const ByteView bytes = std::as_bytes(std::span{hash}.first(size));
    binding.insert(binding.end(), bytes.begin(), bytes.end());
    return binding;
}

}  // namespace entrepot::wsman
