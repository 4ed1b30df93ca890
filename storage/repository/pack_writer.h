// One pack under construction.
#pragma once

#include "storage/object/store.h"
#include "storage/repository/pack_format.h"
#include "storage/repository/repository_keys.h"

#include "base/random.h"

#include <memory>
#include <vector>

namespace entrepot::repository {

/// A chunk as the packer gets it: compressed, not yet sealed.
struct EncodedChunk {
    ChunkId id;
    std::uint32_t plain_length = 0;
    Codec codec = Codec::raw;
    ByteView stored;
};

struct SealedPack {
    PackId pack;
    std::uint32_t generation = 0;
    std::uint64_t size_bytes = 0;
    std::uint64_t plain_bytes = 0;
    std::vector<PackSlot> slots;
};

/// Slots are sealed once and appended; what was begun and not sealed vanishes. Not for several
/// threads.
class PackWriter {
public:
    /// A new pack with an id and salt of its own.
    PackWriter(object::Store& store, Random& random, const RepositoryKeys& keys,
               std::uint32_t chunk_size_bytes);
    /// The next generation of a pack, for compaction.
    PackWriter(object::Store& store, const RepositoryKeys& keys, const PackHeader& header);

    const PackId& id() const { return header_.pack; }
    std::uint64_t size_bytes() const { return offset_; }
    std::uint32_t slot_count() const { return static_cast<std::uint32_t>(slots_.size()); }
    bool is_full() const;

    /// Seals, opens again and compares, appends. Error{internal} if memory or processor lie.
    const PackSlot& append(const EncodedChunk& chunk);
    /// Appends a slot of the earlier generation byte for byte, header and tag included.
    void copy(const PackSlot& slot, ByteView bytes);
    /// Durable on return.
    SealedPack seal();

private:
    void write(ByteView data);
    void flush();

    const RepositoryKeys& keys_;
    PackHeader header_;
    Sealer sealer_;
    std::unique_ptr<object::Upload> upload_;
    Bytes buffer_;
    Bytes opened_;
    SpanDigester digester_;
    std::uint64_t offset_ = 0;
    std::uint64_t plain_bytes_ = 0;
    std::vector<PackSlot> slots_;
};

}  // namespace entrepot::repository
