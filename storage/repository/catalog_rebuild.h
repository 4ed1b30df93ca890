// The catalog again from the objects, and the differences between the two.
#pragma once

#include "storage/repository/repository_core.h"

#include <string>
#include <vector>

namespace entrepot::repository {

/// Makes a new catalog from packs, manifests and marks beside the core's, then puts it in its
/// place; what is known of damage is kept. A manifest whose maps or packs are not all there is not
/// adopted. Requires to be alone. Returns the points. If it throws, the catalog is the old one,
/// unless the exchange itself failed: then the next start makes it again.
std::uint64_t remake_catalog(RepositoryCore& core, const Work& work);

/// What a process left that died while it made a catalog.
void remove_unfinished_catalog(RepositoryCore& core);

/// True if the catalog is an older copy: points were committed that it cannot know. What it calls
/// sessions and open packs may be points by now.
bool is_catalog_behind(RepositoryCore& core);

/// Fills the index from the slot tables of the live packs.
void fill_index(RepositoryCore& core, const Work& work);

std::vector<std::string> compare_catalog(RepositoryCore& core, const Work& work);

}  // namespace entrepot::repository
