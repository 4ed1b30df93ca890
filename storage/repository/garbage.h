// Giving back the space of what no point reaches. Follows the architecture, "Garbage" and
// "Compaction".
#pragma once

#include "storage/repository/repository_core.h"

namespace entrepot::repository {

/// Requires to be alone in the repository. Any error while reachability is computed deletes
/// nothing.
GcResult collect_garbage(RepositoryCore& core, DryRun dry_run, const Work& work);

/// Removes pack objects that no row names: what a gc that died left. Requires to be alone.
void remove_stray_packs(RepositoryCore& core);

}  // namespace entrepot::repository
