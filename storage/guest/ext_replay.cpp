// As Linux does it when it mounts: only where the superblock says so.
#include "storage/guest/ext_replay.h"

#include "storage/guest/ext_fast_commit.h"
#include "storage/guest/ext_journal_ring.h"
#include "storage/guest/ext_journal_walk.h"
#include "storage/guest/ext_volume.h"

#include "base/error.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace entrepot::guest {
namespace {

// They lie behind the ring, one block further on.
std::vector<FastChange> read_fast_changes(JournalRing& ring, std::uint32_t sequence) {
    std::uint32_t next = ring.head().end + 1;
    return read_fast_commits(
        [&]() -> std::optional<ByteView> {
            if (next >= ring.head().fast_end) return std::nullopt;
            return ring.read(next++);
        },
        sequence);
}

void replay_fast(JournalRing& ring, std::uint32_t sequence, ExtReplayed& replayed) {
    try {
        const auto changes = read_fast_changes(ring, sequence);
        if (changes.empty()) return;
        replayed.fast =
            replay_fast_commits(replayed.volume, read_ext_geometry(replayed.volume), changes);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::io) throw;
        replayed.volume.discard();
        replayed.damage = fmt::format("without the fast commits at its end: {}", error.message());
    }
}

}  // namespace

std::unique_ptr<ExtReplayed> replay_ext_journal(const disk::DiskSource& volume) {
    const ExtGeometry geometry = read_ext_geometry(volume);
    if (!geometry.needs_recovery) return nullptr;
    JournalRing ring{volume, geometry};
    JournalChanges changes = walk_ext_journal(volume, ring);
    auto replayed =
        std::make_unique<ExtReplayed>(volume, geometry.block_bytes, std::move(changes.moved));
    replayed->damage = std::move(changes.damage);
    if (replayed->damage.empty()) replay_fast(ring, changes.next_sequence, *replayed);
    return replayed;
}

}  // namespace entrepot::guest
