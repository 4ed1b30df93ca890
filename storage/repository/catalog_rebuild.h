// The catalog again from the objects, and the differences between the two.
#pragma once

#include "storage/repository/repository_core.h"

#include <string>
#include <vector>

namespace entrepot::repository {

/// Fills the core's catalog, which must be empty, from packs, manifests and marks. A manifest whose
/// maps or packs are not all there is not adopted. Requires to be alone. Returns the points.
std::uint64_t fill_catalog(RepositoryCore& core, const Work& work);

/// Fills the index from the slot tables of the live packs.
void fill_index(RepositoryCore& core, const Work& work);

std::vector<std::string> compare_catalog(RepositoryCore& core, const Work& work);

}  // namespace entrepot::repository
