// How much of a pack is needed, and what gc makes of that.
#pragma once

#include "storage/repository/reachability.h"

#include <string>
#include <vector>

namespace entrepot::repository {

struct PackUse {
    catalog::PackRow row;
    PackId id;
    std::uint64_t live_chunks = 0;
    std::uint64_t dead_chunks = 0;
    std::uint64_t live_bytes = 0;
    std::uint64_t dead_bytes = 0;
    PackFate fate = PackFate::kept;
    std::string reason;  ///< In words, for people.
};

/// A pack of a session that still writes is kept, whatever is needed of it, and so is one that is
/// too damaged to tell. Throws Error{io}.
PackUse look_at_pack(RepositoryCore& core, const Roots& roots, const Reachable& reachable,
                     const catalog::PackRow& row);

struct PackSlots {
    std::vector<PackSlot> live;
    std::vector<PackSlot> dead;
};
/// Throws Error{corrupt}, Error{not_found}.
PackSlots sort_slots(RepositoryCore& core, const Reachable& reachable, const PackId& pack);

}  // namespace entrepot::repository
