// argon2id by libsodium, with salts from our own source of chance.
#include "appliance/access/password_hasher.h"

#include "appliance/access/limits.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <sodium.h>

#include <algorithm>
#include <array>

namespace entrepot::access {
namespace {

constexpr std::size_t kHashBytes = 32;

std::string base64(ByteView bytes) {
    constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
    std::string text(sodium_base64_encoded_len(bytes.size(), kVariant), '\0');
    sodium_bin2base64(text.data(), text.size(),
                      reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), kVariant);
    text.pop_back();  // The closing NUL.
    return text;
}

std::string encode(const HashOptions& options, ByteView salt, ByteView hash) {
    return fmt::format("$argon2id$v=19$m={},t={},p=1${}${}", options.memory_bytes / kKiB,
                       options.pass_count, base64(salt), base64(hash));
}

// Chance in the form of a hash: to compare with it costs what another costs, at the first time,
// too, and no password is known to have it.
std::string make_nobodys_hash(Random& random, const HashOptions& options) {
    std::array<std::byte, crypto_pwhash_SALTBYTES> salt{};
    std::array<std::byte, kHashBytes> hash{};
    random.fill(salt);
    random.fill(hash);
    return encode(options, salt, hash);
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

}  // namespace

// One of the few places to hash in; waits for it, or is turned away.
class PasswordHasher::Turn {
public:
    explicit Turn(PasswordHasher& hasher) : hasher_(hasher) {
        std::unique_lock lock{hasher_.mutex_};
        if (hasher_.running_count_ >= hasher_.options_.parallel_max) {
            if (hasher_.waiting_count_ >= hasher_.options_.waiting_max) {
                throw Error{ErrorCode::busy, "too many people sign in just now",
                            "try again in a moment"};
            }
            ++hasher_.waiting_count_;
            hasher_.freed_.wait(
                lock, [this] { return hasher_.running_count_ < hasher_.options_.parallel_max; });
            --hasher_.waiting_count_;
        }
        ++hasher_.running_count_;
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
        const std::scoped_lock lock{hasher_.mutex_};
        --hasher_.running_count_;
        hasher_.freed_.notify_one();
    }

private:
    PasswordHasher& hasher_;
};

void check_new_password(const Secret& password, const std::string& user_name) {
    const std::string_view text = password.reveal_text();
    if (text.size() < limits::kPasswordBytesMin || text.size() > limits::kPasswordBytesMax) {
        throw Error{ErrorCode::invalid,
                    fmt::format("a password has {} to {} bytes", limits::kPasswordBytesMin,
                                limits::kPasswordBytesMax),
                    "several words in a row are easy to remember and hard to guess"};
    }
    if (std::any_of(text.begin(), text.end(), is_control)) {
        throw Error{ErrorCode::invalid, "the password contains a control character"};
    }
    const bool is_one_character =
        std::all_of(text.begin(), text.end(), [&](char c) { return c == text.front(); });
    if (text == user_name || is_one_character) {
        throw Error{ErrorCode::invalid, "the password is the first that somebody would guess",
                    "choose another one"};
    }
}

PasswordHasher::PasswordHasher(Random& random, const HashOptions& options)
    : random_(random), options_(options) {
    ENTREPOT_CHECK(sodium_init() >= 0);
    nobodys_hash_ = make_nobodys_hash(random, options);
    ENTREPOT_CHECK(options.parallel_max > 0);
}

std::string PasswordHasher::hash_now(const Secret& password) {
    std::array<std::byte, crypto_pwhash_SALTBYTES> salt{};
    random_.fill(salt);
    std::array<std::byte, kHashBytes> hash{};
    const std::string_view text = password.reveal_text();
    if (crypto_pwhash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(), text.data(),
                      text.size(), reinterpret_cast<const unsigned char*>(salt.data()),
                      options_.pass_count, options_.memory_bytes,
                      crypto_pwhash_ALG_ARGON2ID13) != 0) {
        throw Error{ErrorCode::internal, "there is not enough memory to hash a password"};
    }
    return encode(options_, salt, hash);
}

std::string PasswordHasher::hash(const Secret& password) {
    const Turn turn{*this};
    return hash_now(password);
}

bool PasswordHasher::matches(const Secret& password, const std::string& hash) {
    const Turn turn{*this};
    const std::string& known = hash.empty() ? nobodys_hash_ : hash;
    const std::string_view text = password.reveal_text();
    const bool is_right = text.size() <= limits::kPasswordBytesMax &&
                          crypto_pwhash_str_verify(known.c_str(), text.data(), text.size()) == 0;
    return is_right && !hash.empty();
}

}  // namespace entrepot::access
