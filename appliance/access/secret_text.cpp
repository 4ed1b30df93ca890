// Chance and digests in hex; see secret_text.h.
#include "appliance/access/secret_text.h"

#include "base/bytes.h"

#include <sodium.h>

#include <array>

namespace entrepot::access {
namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kIdBytes = 16;

template <std::size_t Size>
std::string random_hex(Random& random) {
    std::array<std::byte, Size> bytes{};
    random.fill(bytes);
    return to_hex(bytes);
}

}  // namespace

std::string make_secret_text(Random& random) {
    return random_hex<kSecretBytes>(random);
}

std::string make_id(Random& random) {
    return random_hex<kIdBytes>(random);
}

std::string digest_of(std::string_view text) {
    std::array<std::byte, crypto_hash_sha256_BYTES> digest{};
    crypto_hash_sha256(reinterpret_cast<unsigned char*>(digest.data()),
                       reinterpret_cast<const unsigned char*>(text.data()), text.size());
    return to_hex(digest);
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace entrepot::access
