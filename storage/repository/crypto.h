// The cryptography of the repository: derivation, sealing, chunk ids, signatures. Follows the
// architecture, "Stored form" and "Keys".
#pragma once

#include "storage/repository/ids.h"

#include "base/bytes.h"
#include "base/secret.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace entrepot::repository {

inline constexpr std::size_t kKeyBytes = 32;
inline constexpr std::size_t kSaltBytes = 32;
inline constexpr std::size_t kTagBytes = 16;
inline constexpr std::size_t kSignatureBytes = 64;
inline constexpr std::size_t kPublicKeyBytes = 32;

using Salt = std::array<std::byte, kSaltBytes>;
using Tag = std::array<std::byte, kTagBytes>;
using Signature = std::array<std::byte, kSignatureBytes>;
using PublicKey = std::array<std::byte, kPublicKeyBytes>;

/// HKDF-SHA-256, 32 bytes.
Secret derive_key(const Secret& key, ByteView salt, ByteView info);

Digest sha256(ByteView data);

/// SHA-256 over pieces.
class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;
    void update(ByteView data);
    /// The digest so far; begins anew.
    Digest finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// AES-256-GCM under one key with numbers as nonces; the caller never uses a number twice for
/// different content. Without a key the bytes stay plain and the tag is a CRC-32C, which finds
/// accidents only. Safe to share between threads.
class Sealer {
public:
    explicit Sealer(std::optional<Secret> key) : key_(std::move(key)) {}

    /// `sealed` may be `plain` itself. Requires sealed.size() == plain.size().
    void seal(std::uint64_t nonce, ByteView associated, ByteView plain, MutableByteView sealed,
              Tag& tag) const;
    /// False if anything differs from what was sealed. `plain` may be `sealed` itself.
    bool open(std::uint64_t nonce, ByteView associated, ByteView sealed, const Tag& tag,
              MutableByteView plain) const;

    /// Sealed bytes with the tag behind them.
    Bytes seal(std::uint64_t nonce, ByteView associated, ByteView plain) const;
    /// nullopt if they are not what was sealed.
    std::optional<Bytes> open(std::uint64_t nonce, ByteView associated, ByteView sealed) const;

private:
    std::optional<Secret> key_;
};

/// Makes chunk ids: HMAC-SHA-256 under the id key, plain SHA-256 without one. Not for several
/// threads.
class ChunkHasher {
public:
    explicit ChunkHasher(const std::optional<Secret>& id_key);
    ~ChunkHasher();
    ChunkHasher(const ChunkHasher&) = delete;
    ChunkHasher& operator=(const ChunkHasher&) = delete;
    ChunkId id_of(ByteView plain);

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Ed25519 from a 32-byte seed.
class Signer {
public:
    explicit Signer(const Secret& seed);
    const PublicKey& public_key() const { return public_key_; }
    Signature sign(ByteView message) const;

private:
    PublicKey public_key_{};
    Secret secret_key_;
};

bool is_signature_valid(const PublicKey& key, ByteView message, const Signature& signature);

}  // namespace entrepot::repository
