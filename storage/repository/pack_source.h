// Where readers of chunks get packs from.
#pragma once

#include "storage/repository/map_format.h"
#include "storage/repository/pack_reader.h"

#include <memory>
#include <vector>

namespace entrepot::repository {

/// Safe to share between threads.
class PackSource {
public:
    virtual ~PackSource() = default;
    /// The pack in the generation that counts. Throws Error{not_found} if there is none,
    /// Error{corrupt} if it cannot be used. Readers are shared with those who still read when a
    /// cache lets go of them.
    virtual std::shared_ptr<const PackReader> open(const PackId& pack) = 0;
    /// Where a chunk stands, as far as is known; for one that cannot be read at its address.
    virtual std::vector<SlotAddress> find_copies(const ShortId& id) = 0;
    /// Where a chunk that was damaged at this place was stored anew, the best last; empty for
    /// almost every place.
    virtual std::vector<SlotAddress> redirects(const SlotAddress& place) = 0;
    /// The pack is there, and what this slot of it holds is not the chunk. Never throws.
    virtual void note_damage(const ShortId& id, const SlotAddress& place) noexcept = 0;
};

}  // namespace entrepot::repository
