// Giving back the space of what no point reaches. Follows the architecture, "Garbage" and
// "Compaction".
#pragma once

#include "storage/repository/repository_core.h"

namespace entrepot::repository {

/// Requires to be the only collector. Any error while reachability is computed deletes nothing.
GcResult collect_garbage(RepositoryCore& core, const Work& work);

/// What it would do, without doing any of it.
GcResult foresee_garbage(RepositoryCore& core, const Work& work);

/// What a gc that died or failed left: files that no row names, packs that are condemned.
void clean_up_after_gc(RepositoryCore& core);

}  // namespace entrepot::repository
