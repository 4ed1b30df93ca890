// The next generation of a pack, with the slots that are still needed. Follows the architecture,
// "Compaction".
#pragma once

#include "storage/repository/pack_writer.h"
#include "storage/repository/repository_core.h"

#include <vector>

namespace entrepot::repository {

/// Copies slots byte for byte under their old numbers, then reads the new object back and compares.
/// Durable on return; what was written is removed if it throws. Error{corrupt} for a slot that is
/// damaged: new digests would make it look sound.
SealedPack write_next_generation(RepositoryCore& core, const catalog::PackRow& row,
                                 const std::vector<PackSlot>& slots);

}  // namespace entrepot::repository
