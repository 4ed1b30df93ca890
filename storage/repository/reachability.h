// What the points reach: the mark phase of gc.
#pragma once

#include "storage/repository/map_format.h"
#include "storage/repository/repository_core.h"

#include <map>
#include <set>
#include <unordered_map>
#include <vector>

namespace entrepot::repository {

struct Reachable {
    std::unordered_map<PackId, std::vector<bool>, IdHash> slots;  ///< By number.
    std::set<MapId> maps;

    void mark(const SlotAddress& address);
    bool is_reached(const SlotAddress& address) const;
};

/// Reads every manifest and every map of every point. Any doubt throws: a manifest or map that is
/// missing or damaged, a manifest that the catalog does not know.
Reachable find_reachable(RepositoryCore& core, const Work& work);

}  // namespace entrepot::repository
