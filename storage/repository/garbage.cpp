// Mark, condemn, wait, mark again, remove. Each step leaves a repository that is whole if the
// process dies behind it, and in which backups, restores and checks go on.
#include "storage/repository/garbage.h"

#include "storage/repository/compaction.h"
#include "storage/repository/limits.h"
#include "storage/repository/pack_use.h"
#include "storage/repository/reachability.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>

namespace entrepot::repository {
namespace {

using catalog::PackChange;
using catalog::PackState;

constexpr std::string_view kSession = "gc";
constexpr std::chrono::seconds kTellInterval{1};

// Points are deleted beside a gc: both give up the reserve and take it back under their lock.
class RoomForGc {
public:
    explicit RoomForGc(RepositoryCore& core) : core_(core) {
        const std::scoped_lock lock{core_.commit_mutex};
        core_.reserve->give_up_if_needed();
    }
    RoomForGc(const RoomForGc&) = delete;
    RoomForGc& operator=(const RoomForGc&) = delete;
    ~RoomForGc() {
        try {
            const std::scoped_lock lock{core_.commit_mutex};
            core_.reserve->take_back(kLeftForOthersBytes);
        } catch (...) {
            // The next deletion or start tries again.
        }
    }

private:
    RepositoryCore& core_;
};

PackState state_after(PackFate fate) {
    switch (fate) {
        case PackFate::kept:
            return PackState::live;
        case PackFate::compacted:
            return PackState::compacting;
        case PackFate::removed:
            return PackState::condemned;
    }
    return PackState::live;
}

void remove_stray_packs(RepositoryCore& core) {
    for (const std::string& name : core.store.list(object::Collection::packs)) {
        const auto parsed = parse_pack_name(name);
        if (!parsed) continue;
        const auto row = core.catalog->find_pack(parsed->pack.hex());
        if (row && row->generation == parsed->generation) continue;
        core.store.remove({object::Collection::packs, name});
    }
    core.store.settle_removals(object::Collection::packs);
}

class Collector {
public:
    Collector(RepositoryCore& core, const Work& work)
        : core_(core), work_(work), marking_(core, work) {}

    GcResult run() {
        const std::vector<PackUse> packs = look(read_roots(core_));
        tell(GcMoment::marked);
        condemn(packs);
        const std::uint64_t first_after = core_.sessions.next_number();
        tell(GcMoment::condemned);
        wait_for_writers_before(first_after);
        // The clock may have jumped since.
        core_.time.require_deletion_allowed();
        const Roots roots = read_roots(core_);
        marking_.add(roots);
        tell(GcMoment::marked_again);
        remove_dead(packs);
        compact_sparse(packs, roots);
        remove_maps(roots);
        core_.redirects.remove_unused(
            [&](const SlotAddress& place) { return marking_.reachable().is_reached(place); });
        return result_;
    }

    GcResult foresee() {
        const Roots roots = read_roots(core_);
        std::vector<PackUse> packs = look(roots);
        std::ranges::stable_sort(packs, std::greater{}, &PackUse::dead_bytes);
        for (const PackUse& use : packs)
            foresee(use);
        for (const object::Key& map : dead_maps(roots))
            result_.freed_bytes += core_.store.find_size(map).value_or(0);
        return result_;
    }

private:
    void tell(GcMoment moment) {
        if (core_.environment.gc_observer != nullptr) core_.environment.gc_observer->at(moment);
    }

    std::vector<PackUse> look(const Roots& roots) {
        work_.progress.report("mark", 0, 0);
        marking_.add(roots);
        std::vector<PackUse> packs;
        std::size_t compactions = 0;
        for (const catalog::PackRow& row : roots.packs) {
            work_.throw_if_stopped();
            if (!is_readable(row.state)) continue;
            PackUse use = look_at_pack(core_, roots, marking_.reachable(), row);
            if (use.fate == PackFate::compacted && ++compactions > limits::kCompactionsMax) {
                use.fate = PackFate::kept;
                use.reason += ", but there is enough to do before it";
            }
            result_.live_chunks += use.live_chunks;
            result_.dead_chunks += use.dead_chunks;
            if (use.fate == PackFate::kept) {
                ++result_.packs_kept;
                result_.waste_bytes += use.dead_bytes;
            }
            packs.push_back(std::move(use));
        }
        return packs;
    }

    void foresee(const PackUse& use) {
        if (use.fate == PackFate::removed) {
            ++result_.packs_removed;
            result_.freed_bytes += use.row.size_bytes;
        } else if (use.fate == PackFate::compacted) {
            ++result_.packs_compacted;
            result_.freed_bytes += use.dead_bytes;
        }
        if (use.dead_bytes == 0 && use.fate == PackFate::kept) return;
        if (result_.packs.size() == limits::kPacksToldMax) {
            ++result_.packs_not_told;
            return;
        }
        result_.packs.push_back({use.row.id, use.fate, use.row.size_bytes, use.live_chunks,
                                 use.dead_chunks, use.dead_bytes, use.reason});
    }

    void condemn(const std::vector<PackUse>& packs) {
        room_.emplace(core_);
        core_.catalog->renew_session({std::string{kSession}, std::string{kSession}});
        remove_stray_packs(core_);
        std::vector<PackChange> changes;
        for (const PackUse& use : packs) {
            if (use.row.state != PackState::live) continue;
            PackChange change{use.row, use.row};
            change.after.state = state_after(use.fate);
            change.after.dead_bytes = use.dead_bytes;
            const bool is_news = change.after.state != use.row.state ||
                                 change.after.dead_bytes != use.row.dead_bytes;
            if (is_news) changes.push_back(std::move(change));
        }
        // A commit between its two halves would bring packs back in one of them only.
        const std::scoped_lock lock{core_.commit_mutex};
        if (!changes.empty()) core_.packs->retire(changes);
    }

    // Whoever began before may have found chunks in what is condemned now, and nobody but him
    // knows.
    void wait_for_writers_before(std::uint64_t number) {
        Clock& clock = core_.environment.clock;
        const SteadyTime begin = clock.steady_now();
        for (;;) {
            work_.throw_if_stopped();
            const std::size_t count = core_.sessions.count_writers_before(number);
            if (count == 0) break;
            room_.reset();
            tell(GcMoment::waiting);
            const std::string what = fmt::format("waiting for {} earlier backups", count);
            if (clock.steady_now() - begin >= limits::kGcWaitMax) {
                throw Error{ErrorCode::busy, fmt::format("gave up {}", what),
                            "run gc again when they have ended"};
            }
            work_.progress.report(what, 0, 0);
            core_.sessions.wait_for_writers_before(number, kTellInterval, work_.stop);
        }
        if (!room_) room_.emplace(core_);
    }

    // Before compaction, which needs the room.
    void remove_dead(const std::vector<PackUse>& packs) {
        for (const PackUse& use : packs) {
            work_.throw_if_stopped();
            if (use.fate != PackFate::removed) continue;
            const bool is_needed = marking_.reachable().slots.contains(use.id);
            if (!is_needed) remove_pack(use);
        }
    }

    void remove_pack(const PackUse& use) {
        std::vector<PackSlot> slots;
        try {
            slots = sort_slots(core_, marking_.reachable(), use.id).dead;
        } catch (const Error& error) {
            if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::not_found) throw;
        }
        if (!core_.packs->begin_removal(use.row)) return;
        tell(GcMoment::removing);
        drop_from_index(use.id, slots);
        core_.store.remove(pack_key(use.id, use.row.generation));
        core_.catalog->remove_pack(use.row.id);
        ++result_.packs_removed;
        result_.freed_bytes += use.row.size_bytes;
    }

    void drop_from_index(const PackId& pack, const std::vector<PackSlot>& slots) {
        for (const PackSlot& slot : slots) {
            core_.index->remove({short_id(slot.id), {pack, slot.number}});
        }
    }

    // By what is needed now: others may have come to need more of a pack since it was looked at.
    void compact_sparse(const std::vector<PackUse>& packs, const Roots& roots) {
        for (const PackUse& before : packs) {
            work_.throw_if_stopped();
            if (before.fate != PackFate::compacted) continue;
            const PackUse use = look_at_pack(core_, roots, marking_.reachable(), before.row);
            if (use.fate != PackFate::compacted) continue;
            try {
                compact(use);
            } catch (const Error& error) {
                if (error.code() == ErrorCode::no_space) {
                    core_.environment.log.warning("no room to compact packs; run gc again",
                                                  {{"error", error.what()}});
                    return;
                }
                if (error.code() != ErrorCode::corrupt) throw;
                core_.environment.log.warning("a damaged pack is not compacted",
                                              {{"pack", use.row.id}, {"error", error.what()}});
            }
        }
    }

    void compact(const PackUse& use) {
        const PackSlots slots = sort_slots(core_, marking_.reachable(), use.id);
        const SealedPack fresh = write_next_generation(core_, use.row, slots.live);
        tell(GcMoment::compacted);
        if (!core_.packs->switch_generation(use.row, fresh)) {
            core_.store.remove(pack_key(use.id, fresh.generation));
            return;
        }
        tell(GcMoment::switched);
        drop_from_index(use.id, slots.dead);
        // Whoever has it open goes on reading it.
        core_.store.remove(pack_key(use.id, use.row.generation));
        ++result_.packs_compacted;
        result_.freed_bytes += use.row.size_bytes - fresh.size_bytes;
    }

    std::vector<object::Key> dead_maps(const Roots& roots) const {
        std::vector<object::Key> dead;
        for (const std::string& name : roots.maps) {
            const MapId map = MapId::parse(name);
            const bool is_kept =
                marking_.reachable().maps.contains(map) || roots.writers.contains(map.point.hex());
            if (!is_kept) dead.push_back({object::Collection::maps, name});
        }
        return dead;
    }

    void remove_maps(const Roots& roots) {
        for (const object::Key& map : dead_maps(roots)) {
            result_.freed_bytes += core_.store.find_size(map).value_or(0);
            core_.store.remove(map);
        }
    }

    RepositoryCore& core_;
    Work work_;
    Marking marking_;
    std::optional<RoomForGc> room_;  // From condemning to the end, but for the wait.
    GcResult result_;
};

void end_gc(RepositoryCore& core) {
    core.packs->revive_all();
    core.catalog->remove_session(std::string{kSession});
}

bool is_left(RepositoryCore& core) {
    return std::ranges::any_of(core.catalog->list_sessions(),
                               [](const catalog::SessionRow& row) { return row.kind == kSession; });
}

}  // namespace

GcResult collect_garbage(RepositoryCore& core, const Work& work) {
    // Its files go when this one condemns, after a transaction that makes the catalog durable; its
    // session's row stays until then, since they may be there again after a power cut.
    if (is_left(core)) core.packs->revive_all();
    try {
        GcResult result = Collector{core, work}.run();
        end_gc(core);
        return result;
    } catch (const Error&) {
        // Files are left to the next start or gc, for which the session's row stays: what a failed
        // transaction or sync left on the disk is not known here. A row may go back to the
        // generation before, and a file that was removed may come back.
        try {
            core.packs->revive_all();
        } catch (const std::exception& error) {
            core.environment.log.warning("gc could not clean up", {{"error", error.what()}});
        }
        throw;
    }
}

GcResult foresee_garbage(RepositoryCore& core, const Work& work) {
    return Collector{core, work}.foresee();
}

void clean_up_after_gc(RepositoryCore& core) {
    remove_stray_packs(core);
    end_gc(core);
}

}  // namespace entrepot::repository
