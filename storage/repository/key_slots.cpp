// argon2id and XChaCha20-Poly1305 of libsodium around the root key.
#include "storage/repository/key_slots.h"

#include "storage/repository/crypto.h"
#include "storage/repository/limits.h"

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/error.h"
#include "base/json.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <charconv>

namespace entrepot::repository {
namespace {

constexpr std::string_view kPassphrase = "passphrase";
constexpr std::string_view kRecovery = "recovery";
constexpr std::string_view kRecoveryLabel = "entrepot recovery slot v1";
constexpr std::string_view kSuffix = ".json";
constexpr std::string_view kAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";
constexpr std::size_t kRecoveryLetters = 32;

const unsigned char* u8(ByteView view) {
    return reinterpret_cast<const unsigned char*>(view.data());
}

unsigned char* u8(MutableByteView view) {
    return reinterpret_cast<unsigned char*>(view.data());
}

// People type recovery keys from paper: case, dashes and spaces do not matter.
std::optional<Secret> normalised_recovery_key(const Secret& key) {
    std::string letters;
    for (const char c : key.reveal_text()) {
        if (c == '-' || c == ' ' || c == '\n' || c == '\r') continue;
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        if (kAlphabet.find(lower) == std::string_view::npos) return std::nullopt;
        letters.push_back(lower);
    }
    if (letters.size() != kRecoveryLetters) return std::nullopt;
    return Secret{std::string_view{letters}};
}

Secret derive_slot_key(const std::string& kind, const KeyCost& cost, ByteView salt,
                       const Secret& key) {
    // A recovery key has 160 bits of its own and needs no stretching.
    if (kind == kRecovery) return derive_key(key, salt, as_bytes(kRecoveryLabel));
    std::array<std::byte, kKeyBytes> derived{};
    const int status =
        crypto_pwhash(u8(MutableByteView{derived}), derived.size(), key.reveal_text().data(),
                      key.reveal().size(), u8(salt), cost.operations,
                      static_cast<std::size_t>(cost.memory_bytes), crypto_pwhash_ALG_ARGON2ID13);
    if (status != 0) throw Error{ErrorCode::limit, "no memory to derive the passphrase's key"};
    Secret secret{ByteView{derived}};
    sodium_memzero(derived.data(), derived.size());
    return secret;
}

std::string bound_to(const RepositoryId& repository, std::uint32_t number,
                     const std::string& kind) {
    return fmt::format("entrepot key slot v1 {} {} {}", repository.hex(), number, kind);
}

struct SlotFile {
    NewKeySlot slot;
    Bytes salt;
    Bytes nonce;
    Bytes sealed;
};

SlotFile parse_slot(std::uint32_t number, ByteView content) {
    const Json json = parse_json(as_text(content), fmt::format("key slot {}", number));
    SlotFile file;
    try {
        file.slot.number = number;
        file.slot.kind = json.at("kind").get<std::string>();
        file.slot.created = parse_time(json.at("created").get<std::string>()).value_or(WallTime{});
        file.slot.cost.operations = json.at("operations").get<std::uint64_t>();
        file.slot.cost.memory_bytes = json.at("memory_bytes").get<std::uint64_t>();
        file.salt = from_base64(json.at("salt").get<std::string>());
        file.nonce = from_base64(json.at("nonce").get<std::string>());
        file.sealed = from_base64(json.at("sealed").get<std::string>());
    } catch (const Json::exception&) {
        throw Error{ErrorCode::corrupt, fmt::format("key slot {} lacks a field", number)};
    }
    const bool is_sane =
        (file.slot.kind == kPassphrase || file.slot.kind == kRecovery) &&
        file.salt.size() == crypto_pwhash_SALTBYTES &&
        file.nonce.size() == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES &&
        file.sealed.size() == kKeyBytes + crypto_aead_xchacha20poly1305_ietf_ABYTES &&
        file.slot.cost.operations <= limits::kKeyOperationsMax &&
        file.slot.cost.memory_bytes <= limits::kKeyMemoryBytesMax;
    if (!is_sane) {
        throw Error{ErrorCode::corrupt, fmt::format("key slot {} makes no sense", number)};
    }
    return file;
}

}  // namespace

KeySlots::KeySlots(FileSystem& file_system, Random& random, std::filesystem::path directory,
                   const RepositoryId& repository)
    : file_system_(file_system),
      random_(random),
      directory_(std::move(directory)),
      repository_(repository) {
    if (sodium_init() < 0) throw Error{ErrorCode::internal, "libsodium does not start"};
}

std::filesystem::path KeySlots::path_of(std::uint32_t number) const {
    return directory_ / fmt::format("{}{}", number, kSuffix);
}

std::vector<std::uint32_t> KeySlots::numbers() {
    std::vector<std::uint32_t> found;
    for (const DirectoryEntry& entry : file_system_.list(directory_)) {
        if (entry.type != FileType::regular || !entry.name.ends_with(kSuffix)) continue;
        const char* end = entry.name.data() + entry.name.size() - kSuffix.size();
        std::uint32_t number = 0;
        const auto result = std::from_chars(entry.name.data(), end, number);
        if (result.ec == std::errc{} && result.ptr == end) found.push_back(number);
    }
    std::ranges::sort(found);
    return found;
}

void KeySlots::write(const NewKeySlot& slot, const Secret& key, const Secret& root_key) {
    ENTREPOT_CHECK(root_key.reveal().size() == kKeyBytes);
    Bytes salt(crypto_pwhash_SALTBYTES);
    Bytes nonce(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
    random_.fill(salt);
    random_.fill(nonce);
    const std::string associated = bound_to(repository_, slot.number, slot.kind);
    const auto normal = slot.kind == kRecovery ? normalised_recovery_key(key) : std::optional{key};
    ENTREPOT_CHECK(normal.has_value());
    const Secret slot_key = derive_slot_key(slot.kind, slot.cost, salt, *normal);
    Bytes sealed(kKeyBytes + crypto_aead_xchacha20poly1305_ietf_ABYTES);
    unsigned long long length = 0;
    crypto_aead_xchacha20poly1305_ietf_encrypt(u8(MutableByteView{sealed}), &length,
                                               u8(root_key.reveal()), kKeyBytes,
                                               u8(as_bytes(associated)), associated.size(), nullptr,
                                               u8(ByteView{nonce}), u8(slot_key.reveal()));
    const Json json = {{"kind", slot.kind},
                       {"created", format_time(slot.created)},
                       {"derivation", slot.kind == kRecovery ? "hkdf-sha256" : "argon2id"},
                       {"operations", slot.cost.operations},
                       {"memory_bytes", slot.cost.memory_bytes},
                       {"salt", to_base64(salt)},
                       {"nonce", to_base64(nonce)},
                       {"sealed", to_base64(sealed)}};
    write_file_atomically(file_system_, path_of(slot.number), as_bytes(dump_json(json, 2)));
}

void KeySlots::remove(std::uint32_t number) {
    file_system_.remove(path_of(number));
    file_system_.sync_directory(directory_);
}

std::vector<KeySlot> KeySlots::list() {
    std::vector<KeySlot> slots;
    for (const std::uint32_t number : numbers()) {
        try {
            const NewKeySlot slot = describe(number);
            slots.push_back({number, slot.kind, slot.created});
        } catch (const Error& error) {
            if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::invalid) throw;
        }
    }
    return slots;
}

std::uint32_t KeySlots::free_number() {
    const std::vector<std::uint32_t> taken = numbers();
    for (std::uint32_t number = 0; number < limits::kKeySlotsMax; ++number) {
        if (!std::ranges::binary_search(taken, number)) return number;
    }
    throw Error{ErrorCode::limit, fmt::format("all {} key slots are taken", limits::kKeySlotsMax)};
}

NewKeySlot KeySlots::describe(std::uint32_t number) {
    return parse_slot(number, file_system_.read_file(path_of(number), limits::kKeySlotFileBytesMax))
        .slot;
}

std::optional<Unlocked> KeySlots::unlock(const Secret& key) {
    const std::optional<Secret> recovery = normalised_recovery_key(key);
    for (const std::uint32_t number : numbers()) {
        SlotFile file;
        try {
            file = parse_slot(
                number, file_system_.read_file(path_of(number), limits::kKeySlotFileBytesMax));
        } catch (const Error& error) {
            if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::invalid) throw;
            continue;
        }
        const bool is_recovery = file.slot.kind == kRecovery;
        if (is_recovery && !recovery) continue;
        const Secret slot_key = derive_slot_key(file.slot.kind, file.slot.cost, file.salt,
                                                is_recovery ? *recovery : key);
        const std::string associated = bound_to(repository_, number, file.slot.kind);
        std::array<std::byte, kKeyBytes> root{};
        const int status = crypto_aead_xchacha20poly1305_ietf_decrypt(
            u8(MutableByteView{root}), nullptr, nullptr, u8(ByteView{file.sealed}),
            file.sealed.size(), u8(as_bytes(associated)), associated.size(),
            u8(ByteView{file.nonce}), u8(slot_key.reveal()));
        if (status != 0) continue;
        Unlocked unlocked{Secret{ByteView{root}}, number};
        sodium_memzero(root.data(), root.size());
        return unlocked;
    }
    return std::nullopt;
}

Secret make_recovery_key(Random& random) {
    std::array<std::byte, kRecoveryLetters> bytes{};
    random.fill(bytes);
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i > 0 && i % 4 == 0) text.push_back('-');
        text.push_back(kAlphabet[std::to_integer<unsigned>(bytes[i]) % kAlphabet.size()]);
    }
    Secret key{std::string_view{text}};
    sodium_memzero(text.data(), text.size());
    sodium_memzero(bytes.data(), bytes.size());
    return key;
}

}  // namespace entrepot::repository
