// Reads back what PackWriter wrote, believing nothing.
#include "storage/repository/pack_reader.h"

#include "storage/repository/limits.h"

#include "base/check.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace entrepot::repository {
namespace {

PackTrailer read_trailer(const object::Object& object, const PackId& pack) {
    const std::uint64_t size_bytes = object.size_bytes();
    if (size_bytes < kPackHeaderBytes + kPackTrailerBytes) {
        throw Error{ErrorCode::corrupt, fmt::format("pack of {} bytes is cut short", size_bytes)};
    }
    const PackTrailer trailer = decode_pack_trailer(
        object.read(size_bytes - kPackTrailerBytes, kPackTrailerBytes), size_bytes);
    if (trailer.pack != pack) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("the object holds pack {}", trailer.pack.hex())};
    }
    return trailer;
}

PackHeader read_header(const object::Object& object, const RepositoryKeys& keys, const PackId& pack,
                       std::uint32_t generation) {
    if (object.size_bytes() < kPackHeaderBytes) {
        throw Error{ErrorCode::corrupt, "pack is cut short"};
    }
    const PackHeader header = decode_pack_header(object.read(0, kPackHeaderBytes));
    const bool is_expected = header.repository == keys.repository() && header.pack == pack &&
                             header.generation == generation &&
                             header.is_encrypted == keys.is_encrypted() &&
                             header.chunk_size_bytes <= limits::kChunkSizeBytesMax;
    if (!is_expected) {
        throw Error{ErrorCode::corrupt, fmt::format("the object's header names pack {}.{}",
                                                    header.pack.hex(), header.generation)};
    }
    return header;
}

}  // namespace

PackReader::PackReader(object::Store& store, const RepositoryKeys& keys, const PackId& pack,
                       std::uint32_t generation)
    : object_(store.open(pack_key(pack, generation))),
      header_(with_context(fmt::format("reading pack {}.{}", pack.hex(), generation),
                           [&] { return read_header(*object_, keys, pack, generation); })),
      sealer_(pack_sealer(keys, header_)) {
    with_context(fmt::format("reading pack {}.{}", pack.hex(), generation), [&] {
        const PackTrailer trailer = read_trailer(*object_, pack);
        LittleEndianWriter associated;
        associated.bytes(encode_pack_header(header_)).u32(trailer.slot_count);
        const auto table = slot_table_sealer(keys, header_)
                               .open(header_.table_nonce, associated.data(),
                                     object_->read(trailer.table_offset, trailer.table_length));
        slots_ = table ? decode_slot_table(*table, trailer, header_.chunk_size_bytes)
                       : scan_slots(trailer);
    });
}

// A slot that does not decode ends the scan: there is no way to know where the next one begins.
std::vector<PackSlot> PackReader::scan_slots(const PackTrailer& trailer) const {
    std::vector<PackSlot> slots;
    std::uint64_t offset = kPackHeaderBytes;
    while (slots.size() < trailer.slot_count &&
           kSlotHeaderBytes + kTagBytes <= trailer.table_offset - offset) {
        auto slot = decode_slot_header(object_->read(offset, kSlotHeaderBytes));
        if (!slot || slot->plain_length > header_.chunk_size_bytes ||
            slot->stored_length > header_.chunk_size_bytes ||
            slot->size_bytes() > trailer.table_offset - offset) {
            break;
        }
        slot->offset = offset;
        offset += slot->size_bytes();
        slots.push_back(*slot);
    }
    std::ranges::sort(slots, {}, &PackSlot::number);
    return slots;
}

const PackSlot* PackReader::find(std::uint32_t number) const {
    const auto found = std::ranges::lower_bound(slots_, number, {}, &PackSlot::number);
    return found != slots_.end() && found->number == number ? &*found : nullptr;
}

bool PackReader::decode(const PackSlot& slot, MutableByteView bytes, ChunkCodec& codec,
                        MutableByteView plain) const {
    ENTREPOT_CHECK(bytes.size() == slot.size_bytes() && plain.size() == slot.plain_length);
    const auto own = decode_slot_header(bytes.first(kSlotHeaderBytes));
    const bool is_own = own && own->number == slot.number && own->id == slot.id &&
                        own->plain_length == slot.plain_length &&
                        own->stored_length == slot.stored_length && own->codec == slot.codec;
    if (!is_own) return false;
    const MutableByteView stored = bytes.subspan(kSlotHeaderBytes, slot.stored_length);
    Tag tag{};
    std::memcpy(tag.data(), bytes.data() + kSlotHeaderBytes + slot.stored_length, kTagBytes);
    if (!sealer_.open(slot.number, slot_associated_data(header_, slot), stored, tag, stored)) {
        return false;
    }
    return codec.decode(slot.codec, stored, plain);
}

std::vector<DamagedRange> check_pack_digests(const object::Object& object, const PackId& pack) {
    const std::vector<DamagedRange> all = {{0, object.size_bytes()}};
    try {
        const PackTrailer trailer = read_trailer(object, pack);
        const Bytes digests = object.read(trailer.body_length,
                                          std::size_t{trailer.digest_count} * Digest::kSizeBytes);
        if (sha256(digests) != trailer.digest_of_digests) return all;
        std::vector<DamagedRange> damaged;
        Bytes span(kPackDigestSpanBytes);
        for (std::uint32_t i = 0; i < trailer.digest_count; ++i) {
            const std::uint64_t offset = i * kPackDigestSpanBytes;
            const auto length = static_cast<std::size_t>(
                std::min(kPackDigestSpanBytes, trailer.body_length - offset));
            object.read(offset, MutableByteView{span}.first(length));
            const ByteView expected =
                ByteView{digests}.subspan(i * Digest::kSizeBytes, Digest::kSizeBytes);
            const bool is_same = sha256(ByteView{span}.first(length)) == Digest::from(expected);
            if (!is_same) damaged.push_back({offset, length});
        }
        return damaged;
    } catch (const Error& error) {
        if (error.code() != ErrorCode::corrupt) throw;
        return all;
    }
}

}  // namespace entrepot::repository
