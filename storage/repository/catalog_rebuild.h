// The catalog again from the objects, and the differences between the two.
#pragma once

#include "storage/repository/repository_core.h"

#include <string>
#include <vector>

namespace entrepot::repository {

/// Sets the core's catalog aside and makes a new one from packs, manifests and marks; what is known
/// of damage is kept. A manifest whose maps or packs are not all there is not adopted. Requires to
/// be alone. Returns the points.
std::uint64_t remake_catalog(RepositoryCore& core, const Work& work);

/// True if the catalog is an older copy: points were committed that it cannot know. What it calls
/// sessions and open packs may be points by now.
bool is_catalog_behind(RepositoryCore& core);

/// Fills the index from the slot tables of the live packs.
void fill_index(RepositoryCore& core, const Work& work);

std::vector<std::string> compare_catalog(RepositoryCore& core, const Work& work);

}  // namespace entrepot::repository
