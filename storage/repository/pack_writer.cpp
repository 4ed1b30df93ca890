// Appends sealed slots through a small buffer, digesting as it goes.
#include "storage/repository/pack_writer.h"

#include "storage/repository/limits.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace entrepot::repository {
namespace {

constexpr std::size_t kBufferBytes = kMiB;

PackHeader make_header(Random& random, const RepositoryKeys& keys, std::uint32_t chunk_size_bytes) {
    PackHeader header{.repository = keys.repository(),
                      .chunk_size_bytes = chunk_size_bytes,
                      .is_encrypted = keys.is_encrypted()};
    random.fill(header.pack.bytes);
    random.fill(header.salt);
    header.table_nonce = random.u64();
    return header;
}

}  // namespace

PackWriter::PackWriter(object::Store& store, Random& random, const RepositoryKeys& keys,
                       std::uint32_t chunk_size_bytes)
    : PackWriter(store, keys, make_header(random, keys, chunk_size_bytes)) {}

PackWriter::PackWriter(object::Store& store, const RepositoryKeys& keys, const PackHeader& header)
    : keys_(keys),
      header_(header),
      sealer_(pack_sealer(keys, header_)),
      upload_(store.create(pack_key(header_.pack, header_.generation))) {
    buffer_.reserve(kBufferBytes + header_.chunk_size_bytes + kSlotHeaderBytes + kTagBytes);
    write(encode_pack_header(header_));
}

bool PackWriter::is_full() const {
    return offset_ >= limits::kPackSizeBytesTarget || slots_.size() >= limits::kPackSlotsMax;
}

const PackSlot& PackWriter::append(const EncodedChunk& chunk) {
    // The number is taken before sealing: should anything below fail, it is never sealed again.
    PackSlot slot{.number = slot_count(),
                  .offset = offset_,
                  .plain_length = chunk.plain_length,
                  .stored_length = static_cast<std::uint32_t>(chunk.stored.size()),
                  .codec = chunk.codec,
                  .id = chunk.id};
    slots_.push_back(slot);
    const Bytes associated = slot_associated_data(header_, slot);
    write(encode_slot_header(slot));

    const std::size_t start = buffer_.size();
    buffer_.resize(start + chunk.stored.size());
    const MutableByteView sealed = MutableByteView{buffer_}.subspan(start);
    Tag tag{};
    sealer_.seal(slot.number, associated, chunk.stored, sealed, tag);
    opened_.resize(chunk.stored.size());
    const bool is_same = sealer_.open(slot.number, associated, sealed, tag, opened_) &&
                         std::memcmp(opened_.data(), chunk.stored.data(), opened_.size()) == 0;
    if (!is_same) {
        throw Error{ErrorCode::internal,
                    fmt::format("pack {}: slot {} does not open to what was sealed",
                                header_.pack.hex(), slot.number),
                    "memory or processor of this machine may be faulty"};
    }
    offset_ += chunk.stored.size();
    plain_bytes_ += chunk.plain_length;
    write(tag);
    return slots_.back();
}

void PackWriter::copy(const PackSlot& slot, ByteView bytes) {
    PackSlot moved = slot;
    moved.offset = offset_;
    slots_.push_back(moved);
    plain_bytes_ += slot.plain_length;
    write(bytes);
}

void PackWriter::write(ByteView data) {
    buffer_.insert(buffer_.end(), data.begin(), data.end());
    offset_ += data.size();
    if (buffer_.size() >= kBufferBytes) flush();
}

void PackWriter::flush() {
    digester_.update(buffer_);
    upload_->append(buffer_);
    buffer_.clear();
}

SealedPack PackWriter::seal() {
    const std::uint64_t table_offset = offset_;
    LittleEndianWriter associated;
    associated.bytes(encode_pack_header(header_)).u32(slot_count());
    write(slot_table_sealer(keys_, header_)
              .seal(header_.table_nonce, associated.data(), encode_slot_table(slots_)));
    flush();

    PackTrailer trailer{.body_length = offset_,
                        .table_offset = table_offset,
                        .table_length = static_cast<std::uint32_t>(offset_ - table_offset),
                        .slot_count = slot_count(),
                        .generation = header_.generation,
                        .pack = header_.pack};
    const std::vector<Digest> digests = digester_.finish();
    trailer.digest_count = static_cast<std::uint32_t>(digests.size());
    Bytes digest_bytes;
    for (const Digest& digest : digests) {
        digest_bytes.insert(digest_bytes.end(), digest.bytes.begin(), digest.bytes.end());
    }
    trailer.digest_of_digests = sha256(digest_bytes);
    upload_->append(digest_bytes);
    upload_->append(encode_pack_trailer(trailer));
    upload_->commit();
    upload_.reset();
    return {.pack = header_.pack,
            .generation = header_.generation,
            .size_bytes = offset_ + digest_bytes.size() + kPackTrailerBytes,
            .plain_bytes = plain_bytes_,
            .slots = std::move(slots_)};
}

}  // namespace entrepot::repository
