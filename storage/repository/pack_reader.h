// One sealed pack, open for reading.
#pragma once

#include "storage/object/store.h"
#include "storage/repository/pack_format.h"
#include "storage/repository/repository_keys.h"

#include <memory>
#include <vector>

namespace entrepot::repository {

/// Safe to share between threads.
class PackReader {
public:
    /// Opens and decodes header, trailer and slot table; where the table is damaged, the slots' own
    /// headers stand in. Throws Error{corrupt} if the pack cannot be used at all.
    PackReader(object::Store& store, const RepositoryKeys& keys, const PackId& pack,
               std::uint32_t generation);

    const PackHeader& header() const { return header_; }
    std::uint64_t size_bytes() const { return object_->size_bytes(); }
    /// By number.
    const std::vector<PackSlot>& slots() const { return slots_; }
    const PackSlot* find(std::uint32_t number) const;

    void read(std::uint64_t offset, MutableByteView target) const { object_->read(offset, target); }

    /// Decodes a slot from its bytes as they lie in the pack, deciphering them in place. False if
    /// they are damaged. Requires bytes.size() == slot.size_bytes() and plain.size() ==
    /// slot.plain_length.
    bool decode(const PackSlot& slot, MutableByteView bytes, ChunkCodec& codec,
                MutableByteView plain) const;

private:
    std::vector<PackSlot> scan_slots(const PackTrailer& trailer) const;

    std::unique_ptr<object::Object> object_;
    PackHeader header_;
    Sealer sealer_;
    std::vector<PackSlot> slots_;
};

/// Checks a pack's digests without any key. Returns the damaged ranges of the object, in spans of
/// one MiB; the whole object where the footer itself is damaged.
struct DamagedRange {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};
std::vector<DamagedRange> check_pack_digests(const object::Object& object, const PackId& pack);

}  // namespace entrepot::repository
