// Ciphertext is copied, never made again: pack, slot and key stay what they were.
#include "storage/repository/compaction.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::repository {
namespace {

void check_sound(const PackReader& pack, const PackSlot& slot, Bytes bytes, ChunkCodec& codec) {
    Bytes plain(slot.plain_length);
    if (pack.decode(slot, bytes, codec, plain)) return;
    throw Error{ErrorCode::corrupt, fmt::format("slot {} is damaged", slot.number)};
}

SealedPack copy_slots(RepositoryCore& core, const PackReader& old, PackHeader header,
                      const std::vector<PackSlot>& slots) {
    header.table_nonce = core.environment.random.u64();
    PackWriter writer{core.store, core.keys, header};
    ChunkCodec codec;
    Bytes bytes;
    for (const PackSlot& slot : slots) {
        bytes.resize(static_cast<std::size_t>(slot.size_bytes()));
        old.read(slot.offset, bytes);
        check_sound(old, slot, bytes, codec);
        writer.copy(slot, bytes);
    }
    return writer.seal();
}

void compare(const PackReader& old, const PackReader& copy, const std::vector<PackSlot>& slots) {
    Bytes bytes;
    Bytes copied;
    for (const PackSlot& slot : slots) {
        const PackSlot* found = copy.find(slot.number);
        if (found == nullptr || found->size_bytes() != slot.size_bytes()) {
            throw Error{ErrorCode::corrupt, "the compacted pack lacks a slot"};
        }
        bytes.resize(static_cast<std::size_t>(slot.size_bytes()));
        copied.resize(bytes.size());
        old.read(slot.offset, bytes);
        copy.read(found->offset, copied);
        if (bytes != copied) {
            throw Error{ErrorCode::corrupt, "the compacted pack does not read back"};
        }
    }
}

}  // namespace

SealedPack write_next_generation(RepositoryCore& core, const catalog::PackRow& row,
                                 const std::vector<PackSlot>& slots) {
    const auto old = core.packs->open(PackId::from_hex_text(row.id));
    PackHeader header = old->header();
    header.generation = row.generation + 1;
    try {
        SealedPack sealed = copy_slots(core, *old, header, slots);
        compare(*old, PackReader{core.store, core.keys, header.pack, header.generation}, slots);
        return sealed;
    } catch (const Error&) {
        core.store.remove(pack_key(header.pack, header.generation));
        throw;
    }
}

}  // namespace entrepot::repository
