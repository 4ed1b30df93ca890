// Encoding and decoding of a pack's parts; FORMAT.md has the same byte by byte.
#include "storage/repository/pack_format.h"

#include "storage/repository/limits.h"
#include "storage/repository/record.h"

#include "base/check.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace entrepot::repository {
namespace {

constexpr std::string_view kHeaderMagic = "ENTRPACK";
constexpr std::string_view kTrailerMagic = "ENTRTAIL";
constexpr std::uint32_t kSlotMagic = 0x544F4C53;  // "SLOT"
constexpr std::uint16_t kVersion = 1;
constexpr std::uint16_t kFlagEncrypted = 1;
constexpr std::size_t kTableEntryBytes = 56;

// Pads to size - 4 and ends with the CRC-32C of all before it.
bool is_codec(std::uint8_t value) {
    return value == static_cast<std::uint8_t>(Codec::raw) ||
           value == static_cast<std::uint8_t>(Codec::zstd);
}

[[noreturn]] void corrupt(const std::string& fact) {
    throw Error{ErrorCode::corrupt, "pack: " + fact};
}

}  // namespace

object::Key pack_key(const PackId& pack, std::uint32_t generation) {
    return {object::Collection::packs, fmt::format("{}.{}", pack.hex(), generation)};
}

std::optional<PackName> parse_pack_name(const std::string& name) {
    constexpr std::size_t kHexLength = 2 * PackId::kSizeBytes;
    if (name.size() < kHexLength + 2 || name[kHexLength] != '.') return std::nullopt;
    PackName parsed;
    const char* end = name.data() + name.size();
    const auto result = std::from_chars(name.data() + kHexLength + 1, end, parsed.generation);
    if (result.ec != std::errc{} || result.ptr != end) return std::nullopt;
    try {
        parsed.pack = PackId::from(from_hex(std::string_view{name}.substr(0, kHexLength)));
    } catch (const Error&) {
        return std::nullopt;
    }
    return parsed;
}

Bytes encode_pack_header(const PackHeader& header) {
    LittleEndianWriter out;
    out.bytes(as_bytes(kHeaderMagic)).u16(kVersion);
    out.u16(header.is_encrypted ? kFlagEncrypted : std::uint16_t{0});
    out.u32(header.chunk_size_bytes).bytes(header.repository.bytes).bytes(header.pack.bytes);
    out.bytes(header.salt).u32(header.generation).u64(header.table_nonce);
    return seal_record(out, kPackHeaderBytes);
}

PackHeader decode_pack_header(ByteView bytes) {
    ENTREPOT_CHECK(bytes.size() == kPackHeaderBytes);
    LittleEndianReader in = open_record(bytes, kHeaderMagic, "pack", "header");
    const std::uint16_t version = in.u16();
    if (version != kVersion) {
        throw Error{ErrorCode::unsupported, fmt::format("pack version {}", version)};
    }
    PackHeader header;
    header.is_encrypted = (in.u16() & kFlagEncrypted) != 0;
    header.chunk_size_bytes = in.u32();
    header.repository = RepositoryId::from(in.bytes(RepositoryId::kSizeBytes));
    header.pack = PackId::from(in.bytes(PackId::kSizeBytes));
    std::ranges::copy(in.bytes(kSaltBytes), header.salt.begin());
    header.generation = in.u32();
    header.table_nonce = in.u64();
    return header;
}

Bytes encode_slot_header(const PackSlot& slot) {
    LittleEndianWriter out;
    out.u32(kSlotMagic).u32(slot.number).bytes(slot.id.bytes);
    out.u32(slot.plain_length).u32(slot.stored_length).u8(static_cast<std::uint8_t>(slot.codec));
    return seal_record(out, kSlotHeaderBytes);
}

std::optional<PackSlot> decode_slot_header(ByteView bytes) {
    ENTREPOT_CHECK(bytes.size() == kSlotHeaderBytes);
    LittleEndianReader in{bytes};
    if (in.u32() != kSlotMagic || !is_record_whole(bytes)) return std::nullopt;
    PackSlot slot;
    slot.number = in.u32();
    slot.id = ChunkId::from(in.bytes(ChunkId::kSizeBytes));
    slot.plain_length = in.u32();
    slot.stored_length = in.u32();
    const std::uint8_t codec = in.u8();
    if (!is_codec(codec)) return std::nullopt;
    slot.codec = static_cast<Codec>(codec);
    return slot;
}

Bytes encode_slot_table(const std::vector<PackSlot>& slots) {
    LittleEndianWriter out;
    for (const PackSlot& slot : slots) {
        out.u32(slot.number).u64(slot.offset).u32(slot.plain_length).u32(slot.stored_length);
        out.u8(static_cast<std::uint8_t>(slot.codec)).zeros(3).bytes(slot.id.bytes);
    }
    return out.take();
}

std::vector<PackSlot> decode_slot_table(ByteView bytes, const PackTrailer& trailer,
                                        std::uint32_t chunk_size_bytes) {
    if (bytes.size() != std::size_t{trailer.slot_count} * kTableEntryBytes) {
        corrupt("slot table of a wrong length");
    }
    std::vector<PackSlot> slots;
    slots.reserve(trailer.slot_count);
    LittleEndianReader in{bytes};
    for (std::uint32_t i = 0; i < trailer.slot_count; ++i) {
        PackSlot slot;
        slot.number = in.u32();
        slot.offset = in.u64();
        slot.plain_length = in.u32();
        slot.stored_length = in.u32();
        const std::uint8_t codec = in.u8();
        in.skip(3);
        slot.id = ChunkId::from(in.bytes(ChunkId::kSizeBytes));
        const bool is_inside = slot.offset >= kPackHeaderBytes &&
                               slot.offset <= trailer.table_offset &&
                               slot.size_bytes() <= trailer.table_offset - slot.offset;
        const bool is_ordered = slots.empty() || slots.back().number < slot.number;
        const bool is_sized =
            slot.plain_length <= chunk_size_bytes && slot.stored_length <= chunk_size_bytes;
        if (!is_codec(codec) || !is_inside || !is_ordered || !is_sized) {
            corrupt(fmt::format("slot table entry {} makes no sense", i));
        }
        slot.codec = static_cast<Codec>(codec);
        slots.push_back(slot);
    }
    return slots;
}

Bytes encode_pack_trailer(const PackTrailer& trailer) {
    LittleEndianWriter out;
    out.bytes(as_bytes(kTrailerMagic)).u64(trailer.body_length).u64(trailer.table_offset);
    out.u32(trailer.table_length).u32(trailer.slot_count).u32(trailer.generation);
    out.u32(trailer.digest_count).bytes(trailer.pack.bytes);
    out.bytes(trailer.digest_of_digests.bytes);
    return seal_record(out, kPackTrailerBytes);
}

PackTrailer decode_pack_trailer(ByteView bytes, std::uint64_t object_size_bytes) {
    ENTREPOT_CHECK(bytes.size() == kPackTrailerBytes);
    LittleEndianReader in = open_record(bytes, kTrailerMagic, "pack", "trailer");
    PackTrailer trailer;
    trailer.body_length = in.u64();
    trailer.table_offset = in.u64();
    trailer.table_length = in.u32();
    trailer.slot_count = in.u32();
    trailer.generation = in.u32();
    trailer.digest_count = in.u32();
    trailer.pack = PackId::from(in.bytes(PackId::kSizeBytes));
    trailer.digest_of_digests = Digest::from(in.bytes(Digest::kSizeBytes));

    const std::uint64_t digests_bytes = std::uint64_t{trailer.digest_count} * Digest::kSizeBytes;
    const bool is_whole =
        object_size_bytes <= limits::kPackSizeBytesMax &&
        digests_bytes <= object_size_bytes - kPackTrailerBytes &&
        trailer.body_length == object_size_bytes - kPackTrailerBytes - digests_bytes &&
        trailer.digest_count ==
            (trailer.body_length + kPackDigestSpanBytes - 1) / kPackDigestSpanBytes &&
        trailer.table_offset >= kPackHeaderBytes && trailer.table_offset <= trailer.body_length &&
        trailer.table_length == trailer.body_length - trailer.table_offset &&
        trailer.slot_count <= limits::kPackSlotsMax;
    if (!is_whole) corrupt(fmt::format("trailer does not fit {} bytes", object_size_bytes));
    return trailer;
}

Bytes slot_associated_data(const PackHeader& header, const PackSlot& slot) {
    LittleEndianWriter out;
    out.bytes(header.repository.bytes).bytes(header.pack.bytes).u32(slot.number);
    out.bytes(slot.id.bytes).u32(slot.plain_length).u32(slot.stored_length);
    out.u8(static_cast<std::uint8_t>(slot.codec));
    return out.take();
}

Sealer pack_sealer(const RepositoryKeys& keys, const PackHeader& header) {
    return keys.sealer_for("entrepot pack v1", header.salt, header.pack.bytes);
}

Sealer slot_table_sealer(const RepositoryKeys& keys, const PackHeader& header) {
    LittleEndianWriter name;
    name.bytes(header.pack.bytes).u32(header.generation);
    return keys.sealer_for("entrepot slot table v1", header.salt, name.data());
}

void SpanDigester::update(ByteView data) {
    while (!data.empty()) {
        const auto count =
            std::min<std::uint64_t>(data.size(), kPackDigestSpanBytes - filled_bytes_);
        sha256_.update(data.first(static_cast<std::size_t>(count)));
        data = data.subspan(static_cast<std::size_t>(count));
        filled_bytes_ += count;
        if (filled_bytes_ < kPackDigestSpanBytes) continue;
        digests_.push_back(sha256_.finish());
        filled_bytes_ = 0;
    }
}

std::vector<Digest> SpanDigester::finish() {
    if (filled_bytes_ > 0) digests_.push_back(sha256_.finish());
    filled_bytes_ = 0;
    return std::exchange(digests_, {});
}

}  // namespace entrepot::repository
