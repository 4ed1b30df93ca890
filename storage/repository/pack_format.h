// The bytes of a pack: header, slots, slot table, footer. Follows the architecture, "Pack".
#pragma once

#include "storage/object/store.h"
#include "storage/repository/chunk_codec.h"
#include "storage/repository/crypto.h"
#include "storage/repository/ids.h"
#include "storage/repository/repository_keys.h"

#include "base/bytes.h"

#include <cstdint>
#include <string>
#include <vector>

namespace entrepot::repository {

inline constexpr std::size_t kPackHeaderBytes = 128;
inline constexpr std::size_t kSlotHeaderBytes = 64;
inline constexpr std::size_t kPackTrailerBytes = 128;
inline constexpr std::uint64_t kPackDigestSpanBytes = kMiB;

struct PackHeader {
    RepositoryId repository{};
    PackId pack{};
    Salt salt{};
    std::uint32_t generation = 0;
    std::uint32_t chunk_size_bytes = 0;
    bool is_encrypted = true;
    /// By chance, so that a generation that is written twice after a crash repeats no nonce.
    std::uint64_t table_nonce = 0;
};

/// One stored chunk. `offset` is that of the slot's own header in the object.
struct PackSlot {
    std::uint32_t number = 0;
    std::uint64_t offset = 0;
    std::uint32_t plain_length = 0;
    std::uint32_t stored_length = 0;
    Codec codec = Codec::raw;
    ChunkId id{};

    std::uint64_t size_bytes() const { return kSlotHeaderBytes + stored_length + kTagBytes; }
};

/// The last bytes of a pack. The digests before it cover [0, body_length) in spans of one MiB.
struct PackTrailer {
    std::uint64_t body_length = 0;  ///< Header, slots and table.
    std::uint64_t table_offset = 0;
    std::uint32_t table_length = 0;  ///< With its tag.
    std::uint32_t slot_count = 0;
    std::uint32_t generation = 0;
    std::uint32_t digest_count = 0;
    PackId pack{};
    Digest digest_of_digests{};
};

object::Key pack_key(const PackId& pack, std::uint32_t generation);

struct PackName {
    PackId pack;
    std::uint32_t generation = 0;
};
/// nullopt for a name that is not ours.
std::optional<PackName> parse_pack_name(const std::string& name);

Bytes encode_pack_header(const PackHeader& header);
/// Throws Error{corrupt}; Error{unsupported} for a later version.
PackHeader decode_pack_header(ByteView bytes);

/// Header of the slot as it stands before the stored bytes.
Bytes encode_slot_header(const PackSlot& slot);
/// nullopt if these bytes are no slot header. The offset is left 0.
std::optional<PackSlot> decode_slot_header(ByteView bytes);

Bytes encode_slot_table(const std::vector<PackSlot>& slots);
/// Throws Error{corrupt} for entries out of order or outside [kPackHeaderBytes, table_offset).
std::vector<PackSlot> decode_slot_table(ByteView bytes, const PackTrailer& trailer,
                                        std::uint32_t chunk_size_bytes);

Bytes encode_pack_trailer(const PackTrailer& trailer);
/// Throws Error{corrupt} if it does not fit an object of this size.
PackTrailer decode_pack_trailer(ByteView bytes, std::uint64_t object_size_bytes);

/// What a slot's ciphertext is bound to.
Bytes slot_associated_data(const PackHeader& header, const PackSlot& slot);
Sealer pack_sealer(const RepositoryKeys& keys, const PackHeader& header);
Sealer slot_table_sealer(const RepositoryKeys& keys, const PackHeader& header);

/// SHA-256 of each MiB of what is appended.
class SpanDigester {
public:
    void update(ByteView data);
    std::vector<Digest> finish();

private:
    Sha256 sha256_;
    std::uint64_t filled_bytes_ = 0;
    std::vector<Digest> digests_;
};

}  // namespace entrepot::repository
