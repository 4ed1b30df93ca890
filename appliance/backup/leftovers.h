// What runs of jobs that have ended left on the shares: guest data in the open. Looked for once
// after each start (F-SH-14, P7).
#pragma once

#include "appliance/backup/services.h"

#include <cstddef>

namespace entrepot::backup {

struct LeftoverReport {
    std::size_t removed_count = 0;
    std::size_t failure_count = 0;
};

/// Removes them. On a share that we serve ourselves everything that no job works with is ours; on
/// another, only what our journals know. What can't be removed is shown as residue. May run beside
/// jobs, and be repeated; never throws an Error.
LeftoverReport clear_leftovers(const Services& services);

}  // namespace entrepot::backup
