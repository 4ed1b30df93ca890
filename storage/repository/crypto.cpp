// OpenSSL and libsodium behind our own words. The only place, with key_slots.cpp, that calls them.
#include "storage/repository/crypto.h"

#include "base/check.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sodium.h>

#include <cstring>

namespace entrepot::repository {
namespace {

constexpr std::size_t kNonceBytes = 12;

void require(bool is_good, const char* what) {
    if (!is_good) throw Error{ErrorCode::internal, std::string{"cryptographic library: "} + what};
}

const unsigned char* u8(ByteView view) {
    return reinterpret_cast<const unsigned char*>(view.data());
}

unsigned char* u8(MutableByteView view) {
    return reinterpret_cast<unsigned char*>(view.data());
}

struct CipherContext {
    CipherContext() : context(EVP_CIPHER_CTX_new()) {
        require(context != nullptr, "EVP_CIPHER_CTX_new");
        require(EVP_CipherInit_ex(context, EVP_aes_256_gcm(), nullptr, nullptr, nullptr, 1) == 1,
                "AES-256-GCM");
    }
    ~CipherContext() { EVP_CIPHER_CTX_free(context); }
    CipherContext(const CipherContext&) = delete;
    CipherContext& operator=(const CipherContext&) = delete;
    EVP_CIPHER_CTX* context;
};

enum class Direction { open = 0, seal = 1 };

// The context is made once per thread: making one costs more than sealing a small record.
EVP_CIPHER_CTX* begin_cipher(const Secret& key, std::uint64_t nonce, ByteView associated,
                             Direction direction) {
    thread_local CipherContext cipher;
    ENTREPOT_CHECK(key.reveal().size() == kKeyBytes);
    std::array<std::byte, kNonceBytes> iv{};
    store_u64(iv, 0, nonce);
    require(EVP_CipherInit_ex(cipher.context, nullptr, nullptr, u8(key.reveal()), u8(ByteView{iv}),
                              static_cast<int>(direction)) == 1,
            "cipher key");
    int length = 0;
    require(EVP_CipherUpdate(cipher.context, nullptr, &length, u8(associated),
                             static_cast<int>(associated.size())) == 1,
            "associated data");
    return cipher.context;
}

Tag crc_tag(std::uint64_t nonce, ByteView associated, ByteView plain) {
    std::array<std::byte, 8> number{};
    store_u64(number, 0, nonce);
    Tag tag{};
    store_u32(tag, 0, crc32c(plain, crc32c(associated, crc32c(number))));
    return tag;
}

}  // namespace

Secret derive_key(const Secret& key, ByteView salt, ByteView info) {
    const std::unique_ptr<EVP_KDF, void (*)(EVP_KDF*)> kdf{EVP_KDF_fetch(nullptr, "HKDF", nullptr),
                                                           &EVP_KDF_free};
    require(kdf != nullptr, "HKDF");
    const std::unique_ptr<EVP_KDF_CTX, void (*)(EVP_KDF_CTX*)> context{EVP_KDF_CTX_new(kdf.get()),
                                                                       &EVP_KDF_CTX_free};
    require(context != nullptr, "EVP_KDF_CTX_new");
    char digest[] = "SHA256";
    const auto octets = [](const char* name, ByteView value) {
        return OSSL_PARAM_construct_octet_string(name, const_cast<std::byte*>(value.data()),
                                                 value.size());
    };
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        octets(OSSL_KDF_PARAM_KEY, key.reveal()), octets(OSSL_KDF_PARAM_SALT, salt),
        octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
    std::array<std::byte, kKeyBytes> derived{};
    require(EVP_KDF_derive(context.get(), u8(MutableByteView{derived}), derived.size(),
                           parameters) == 1,
            "EVP_KDF_derive");
    Secret secret{ByteView{derived}};
    sodium_memzero(derived.data(), derived.size());
    return secret;
}

Digest sha256(ByteView data) {
    Digest digest;
    require(EVP_Digest(data.data(), data.size(), u8(MutableByteView{digest.bytes}), nullptr,
                       EVP_sha256(), nullptr) == 1,
            "SHA-256");
    return digest;
}

struct Sha256::State {
    std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
    require(EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1, "SHA-256");
}

Sha256::~Sha256() = default;

void Sha256::update(ByteView data) {
    require(EVP_DigestUpdate(state_->context.get(), data.data(), data.size()) == 1, "SHA-256");
}

Digest Sha256::finish() {
    Digest digest;
    require(
        EVP_DigestFinal_ex(state_->context.get(), u8(MutableByteView{digest.bytes}), nullptr) == 1,
        "SHA-256");
    require(EVP_DigestInit_ex(state_->context.get(), nullptr, nullptr) == 1, "SHA-256");
    return digest;
}

void Sealer::seal(std::uint64_t nonce, ByteView associated, ByteView plain, MutableByteView sealed,
                  Tag& tag) const {
    ENTREPOT_CHECK(sealed.size() == plain.size());
    if (!key_) {
        tag = crc_tag(nonce, associated, plain);
        if (sealed.data() != plain.data() && !plain.empty()) {
            std::memcpy(sealed.data(), plain.data(), plain.size());
        }
        return;
    }
    EVP_CIPHER_CTX* context = begin_cipher(*key_, nonce, associated, Direction::seal);
    int length = 0;
    require(EVP_CipherUpdate(context, u8(sealed), &length, u8(plain),
                             static_cast<int>(plain.size())) == 1,
            "seal");
    std::array<std::byte, 16> rest{};
    require(EVP_CipherFinal_ex(context, u8(MutableByteView{rest}), &length) == 1, "seal");
    require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, tag.data()) == 1,
            "seal");
}

bool Sealer::open(std::uint64_t nonce, ByteView associated, ByteView sealed, const Tag& tag,
                  MutableByteView plain) const {
    ENTREPOT_CHECK(sealed.size() == plain.size());
    if (!key_) {
        if (crc_tag(nonce, associated, sealed) != tag) return false;
        if (sealed.data() != plain.data() && !plain.empty()) {
            std::memcpy(plain.data(), sealed.data(), sealed.size());
        }
        return true;
    }
    EVP_CIPHER_CTX* context = begin_cipher(*key_, nonce, associated, Direction::open);
    int length = 0;
    require(EVP_CipherUpdate(context, u8(plain), &length, u8(sealed),
                             static_cast<int>(sealed.size())) == 1,
            "open");
    Tag expected = tag;
    require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, expected.data()) == 1,
            "open");
    std::array<std::byte, 16> rest{};
    return EVP_CipherFinal_ex(context, u8(MutableByteView{rest}), &length) == 1;
}

Bytes Sealer::seal(std::uint64_t nonce, ByteView associated, ByteView plain) const {
    Bytes sealed(plain.size() + kTagBytes);
    Tag tag{};
    seal(nonce, associated, plain, MutableByteView{sealed}.first(plain.size()), tag);
    std::memcpy(sealed.data() + plain.size(), tag.data(), kTagBytes);
    return sealed;
}

std::optional<Bytes> Sealer::open(std::uint64_t nonce, ByteView associated, ByteView sealed) const {
    if (sealed.size() < kTagBytes) return std::nullopt;
    const std::size_t size_bytes = sealed.size() - kTagBytes;
    Tag tag{};
    std::memcpy(tag.data(), sealed.data() + size_bytes, kTagBytes);
    Bytes plain(size_bytes);
    if (!open(nonce, associated, sealed.first(size_bytes), tag, plain)) return std::nullopt;
    return plain;
}

struct ChunkHasher::State {
    std::unique_ptr<EVP_MAC_CTX, void (*)(EVP_MAC_CTX*)> mac{nullptr, &EVP_MAC_CTX_free};
};

ChunkHasher::ChunkHasher(const std::optional<Secret>& id_key) : state_(std::make_unique<State>()) {
    if (!id_key) return;
    const std::unique_ptr<EVP_MAC, void (*)(EVP_MAC*)> algorithm{
        EVP_MAC_fetch(nullptr, "HMAC", nullptr), &EVP_MAC_free};
    require(algorithm != nullptr, "HMAC");
    state_->mac.reset(EVP_MAC_CTX_new(algorithm.get()));
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    require(state_->mac != nullptr && EVP_MAC_init(state_->mac.get(), u8(id_key->reveal()),
                                                   id_key->reveal().size(), parameters) == 1,
            "HMAC");
}

ChunkHasher::~ChunkHasher() = default;

ChunkId ChunkHasher::id_of(ByteView plain) {
    ChunkId id;
    if (!state_->mac) {
        id.bytes = sha256(plain).bytes;
        return id;
    }
    std::size_t length = 0;
    const bool is_good = EVP_MAC_init(state_->mac.get(), nullptr, 0, nullptr) == 1 &&
                         EVP_MAC_update(state_->mac.get(), u8(plain), plain.size()) == 1 &&
                         EVP_MAC_final(state_->mac.get(), u8(MutableByteView{id.bytes}), &length,
                                       id.bytes.size()) == 1;
    require(is_good, "HMAC");
    return id;
}

Signer::Signer(const Secret& seed) {
    ENTREPOT_CHECK(seed.reveal().size() == crypto_sign_SEEDBYTES);
    std::array<std::byte, crypto_sign_SECRETKEYBYTES> secret_key{};
    crypto_sign_seed_keypair(u8(MutableByteView{public_key_}), u8(MutableByteView{secret_key}),
                             u8(seed.reveal()));
    secret_key_ = Secret{ByteView{secret_key}};
    sodium_memzero(secret_key.data(), secret_key.size());
}

Signature Signer::sign(ByteView message) const {
    Signature signature{};
    crypto_sign_detached(u8(MutableByteView{signature}), nullptr, u8(message), message.size(),
                         u8(secret_key_.reveal()));
    return signature;
}

bool is_signature_valid(const PublicKey& key, ByteView message, const Signature& signature) {
    return crypto_sign_verify_detached(u8(ByteView{signature}), u8(message), message.size(),
                                       u8(ByteView{key})) == 0;
}

}  // namespace entrepot::repository
