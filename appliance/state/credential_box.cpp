// Sealing of credentials with libsodium; see credential_box.h.
#include "appliance/state/credential_box.h"

#include "base/check.h"
#include "base/error.h"

#include <sodium.h>

#include <algorithm>
#include <array>

namespace entrepot::state {
namespace {

constexpr std::string_view kVersion = "1:";
// Keeps this use of the repository's key apart from every other.
constexpr std::string_view kKeyContext = "entrepot state credential 1";
constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t kKeyBytes = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr std::size_t kKeyMaterialBytesMin = 16;

unsigned char* raw(std::byte* bytes) {
    return reinterpret_cast<unsigned char*>(bytes);
}

const unsigned char* raw(const std::byte* bytes) {
    return reinterpret_cast<const unsigned char*>(bytes);
}

Secret derive_key(const Secret& key) {
    ENTREPOT_CHECK(key.reveal().size() >= kKeyMaterialBytesMin);
    ENTREPOT_CHECK(sodium_init() >= 0);
    const ByteView context = as_bytes(kKeyContext);
    std::array<std::byte, kKeyBytes> derived{};
    crypto_generichash_state state;
    crypto_generichash_init(
        &state, raw(key.reveal().data()),
        std::min<std::size_t>(key.reveal().size(), crypto_generichash_KEYBYTES_MAX),
        derived.size());
    crypto_generichash_update(&state, raw(context.data()), context.size());
    crypto_generichash_update(&state, raw(key.reveal().data()), key.reveal().size());
    crypto_generichash_final(&state, raw(derived.data()), derived.size());
    Secret result{ByteView{derived}};
    sodium_memzero(derived.data(), derived.size());
    sodium_memzero(&state, sizeof state);
    return result;
}

[[noreturn]] void refuse(std::string_view owner) {
    throw Error{ErrorCode::unauthenticated,
                "the stored credential of " + std::string{owner} + " does not open with this key",
                "the state database belongs to another repository, or was changed: "
                "set the password again"};
}

}  // namespace

std::string seal_credential(const Secret& key, std::string_view owner, const Secret& plain,
                            Random& random) {
    const Secret derived = derive_key(key);
    const ByteView message = plain.reveal();
    const ByteView context = as_bytes(owner);
    Bytes sealed(kNonceBytes + message.size() + kTagBytes);
    random.fill(MutableByteView{sealed}.first(kNonceBytes));
    unsigned long long length = 0;
    crypto_aead_xchacha20poly1305_ietf_encrypt(raw(sealed.data() + kNonceBytes), &length,
                                               raw(message.data()), message.size(),
                                               raw(context.data()), context.size(), nullptr,
                                               raw(sealed.data()), raw(derived.reveal().data()));
    return std::string{kVersion} + to_base64(sealed);
}

Secret open_credential(const Secret& key, std::string_view owner, std::string_view sealed) {
    const Secret derived = derive_key(key);
    if (!sealed.starts_with(kVersion)) refuse(owner);
    const Bytes bytes = from_base64(sealed.substr(kVersion.size()));
    if (bytes.size() < kNonceBytes + kTagBytes) refuse(owner);
    const ByteView context = as_bytes(owner);
    const ByteView cipher = ByteView{bytes}.subspan(kNonceBytes);
    Bytes plain(cipher.size() - kTagBytes);
    unsigned long long length = 0;
    const int result = crypto_aead_xchacha20poly1305_ietf_decrypt(
        raw(plain.data()), &length, nullptr, raw(cipher.data()), cipher.size(), raw(context.data()),
        context.size(), raw(bytes.data()), raw(derived.reveal().data()));
    if (result != 0) refuse(owner);
    Secret opened{ByteView{plain}};
    sodium_memzero(plain.data(), plain.size());
    return opened;
}

}  // namespace entrepot::state
