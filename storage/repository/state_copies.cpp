// Header, sealed and compressed content, signature (FORMAT.md, "Copies of the state").
#include "storage/repository/state_copies.h"

#include "storage/repository/chunk_codec.h"
#include "storage/repository/limits.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>

namespace entrepot::repository {
namespace {

constexpr std::string_view kMagic = "ENTRSTAT";
constexpr std::uint16_t kVersion = 1;
constexpr std::uint16_t kFlagEncrypted = 1;
constexpr std::size_t kHeaderBytes = 60;
constexpr std::size_t kTimeDigits = 16;
constexpr std::size_t kNameLength = kTimeDigits + 1 + 8;
constexpr std::size_t kLastKept = 10;
constexpr std::size_t kDaysKept = 14;

Sealer state_sealer(const RepositoryKeys& keys, const Salt& salt, const std::string& name) {
    return keys.sealer_for("entrepot state v1", salt, as_bytes(name));
}

object::Key state_key(const std::string& name) {
    return {object::Collection::states, name};
}

std::string make_name(Random& random, WallTime now) {
    std::array<std::byte, 4> suffix{};
    random.fill(suffix);
    const auto ms = std::max<std::int64_t>(now.time_since_epoch().count(), 0);
    return fmt::format("{:016x}-{}", ms, to_hex(suffix));
}

std::optional<WallTime> time_of(const std::string& name) {
    std::int64_t ms = 0;
    const bool is_ours = name.size() == kNameLength && name[kTimeDigits] == '-' &&
                         name.find_first_not_of("0123456789abcdef-") == std::string::npos;
    if (!is_ours) return std::nullopt;
    const char* end = name.data() + kTimeDigits;
    const auto parsed = std::from_chars(name.data(), end, ms, 16);
    if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
    return WallTime{std::chrono::milliseconds{ms}};
}

}  // namespace

std::vector<std::string> superfluous_copies(const std::vector<StateCopy>& newest_first,
                                            WallTime now) {
    std::vector<std::string> names;
    std::set<std::chrono::sys_days> days;
    for (std::size_t i = 0; i < newest_first.size(); ++i) {
        const auto day = std::chrono::floor<std::chrono::days>(newest_first[i].time);
        const bool is_days_last = days.insert(day).second;
        const bool is_recent = now - newest_first[i].time < std::chrono::days{kDaysKept};
        if (i >= kLastKept && !(is_days_last && is_recent)) names.push_back(newest_first[i].name);
    }
    return names;
}

StateCopy write_state_copy(object::Store& store, Random& random, const RepositoryKeys& keys,
                           WallTime now, ByteView content) {
    if (content.size() > limits::kStateBytesMax) {
        throw Error{ErrorCode::limit, fmt::format("the state has {} bytes, more than {}",
                                                  content.size(), limits::kStateBytesMax)};
    }
    const std::string name = make_name(random, now);
    Salt salt{};
    random.fill(salt);
    LittleEndianWriter out;
    out.bytes(as_bytes(kMagic)).u16(kVersion);
    out.u16(keys.is_encrypted() ? kFlagEncrypted : std::uint16_t{0});
    out.bytes(keys.repository().bytes).bytes(salt);
    const Bytes header = out.data();
    ChunkCodec codec;
    Bytes stored;
    const Codec used = codec.encode(content, stored);
    LittleEndianWriter body;
    body.u8(static_cast<std::uint8_t>(used)).u64(content.size()).bytes(stored);
    out.bytes(state_sealer(keys, salt, name).seal(0, header, body.data()));
    out.bytes(keys.signer().sign(out.data()));
    store.put(state_key(name), out.data());
    return {name, now, out.size()};
}

std::vector<StateCopy> find_state_copies(object::Store& store) {
    std::vector<StateCopy> copies;
    for (const std::string& name : store.list(object::Collection::states)) {
        const auto time = time_of(name);
        if (time) copies.push_back({name, *time, store.find_size(state_key(name)).value_or(0)});
    }
    std::ranges::sort(copies, std::greater{}, &StateCopy::name);
    return copies;
}

Bytes read_state_copy(object::Store& store, const RepositoryKeys& keys, const std::string& name) {
    const auto corrupt = [&](const char* fact) {
        return Error{ErrorCode::corrupt, fmt::format("state copy {}: {}", name, fact),
                     "an older one may be sound"};
    };
    if (!time_of(name) || !store.find_size(state_key(name))) {
        throw Error{ErrorCode::not_found, fmt::format("there is no state copy '{}'", name)};
    }
    const Bytes bytes = store.read_whole(state_key(name), limits::kStateBytesMax + kMiB);
    if (bytes.size() < kHeaderBytes + kSignatureBytes) throw corrupt("cut short");
    const ByteView signed_part = ByteView{bytes}.first(bytes.size() - kSignatureBytes);
    Signature signature{};
    std::ranges::copy(ByteView{bytes}.last(kSignatureBytes), signature.begin());
    if (!is_signature_valid(keys.signer().public_key(), signed_part, signature)) {
        throw corrupt("the signature does not fit");
    }
    LittleEndianReader in{signed_part};
    if (as_text(in.bytes(kMagic.size())) != kMagic) throw corrupt("no header");
    if (const std::uint16_t version = in.u16(); version != kVersion) {
        throw Error{ErrorCode::unsupported, fmt::format("state copy of version {}", version)};
    }
    in.skip(2 + RepositoryId::kSizeBytes);
    Salt salt{};
    std::ranges::copy(in.bytes(kSaltBytes), salt.begin());
    const auto body = state_sealer(keys, salt, name)
                          .open(0, signed_part.first(kHeaderBytes), in.bytes(in.remaining()));
    if (!body) throw corrupt("the seal is broken");
    LittleEndianReader parts{*body};
    const std::uint8_t codec = parts.u8();
    const std::uint64_t length = parts.u64();
    if (codec > static_cast<std::uint8_t>(Codec::zstd) || length > limits::kStateBytesMax) {
        throw corrupt("it makes no sense");
    }
    Bytes content(static_cast<std::size_t>(length));
    ChunkCodec decoder;
    if (!decoder.decode(static_cast<Codec>(codec), parts.bytes(parts.remaining()), content)) {
        throw corrupt("it does not decode");
    }
    return content;
}

}  // namespace entrepot::repository
