// As Linux does it when it mounts: only where the superblock says so.
#include "storage/guest/ext_replay.h"

#include "storage/guest/ext_journal_ring.h"
#include "storage/guest/ext_journal_walk.h"
#include "storage/guest/ext_volume.h"

#include <utility>

namespace entrepot::guest {

std::unique_ptr<ExtReplayed> replay_ext_journal(const disk::DiskSource& volume) {
    const ExtGeometry geometry = read_ext_geometry(volume);
    if (!geometry.needs_recovery) return nullptr;
    JournalRing ring{volume, geometry};
    JournalChanges changes = walk_ext_journal(volume, ring);
    return std::make_unique<ExtReplayed>(
        ExtReplayed{JournalOverlay{volume, geometry.block_bytes, std::move(changes.moved)},
                    std::move(changes.damage)});
}

}  // namespace entrepot::guest
