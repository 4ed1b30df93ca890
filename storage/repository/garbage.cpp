// Mark everything, then remove dead packs, then compact, then remove dead maps. Each step leaves a
// repository that is whole if the process dies behind it.
#include "storage/repository/garbage.h"

#include "storage/repository/pack_writer.h"
#include "storage/repository/reachability.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::repository {
namespace {

constexpr std::uint64_t kLivePercentMin = 60;
constexpr std::size_t kCompactionsMax = 1024;
constexpr std::string_view kSession = "gc";

struct PackUse {
    catalog::PackRow row;
    PackId id;
    std::vector<PackSlot> live;
    std::vector<PackSlot> dead;
    std::uint64_t live_bytes = 0;
    std::uint64_t dead_bytes = 0;
    bool is_readable = true;

    bool is_dead() const { return live.empty() && is_readable; }
    bool is_sparse() const {
        return is_readable && !live.empty() &&
               live_bytes * 100 < (live_bytes + dead_bytes) * kLivePercentMin;
    }
};

class Collector {
public:
    Collector(RepositoryCore& core, const Work& work) : core_(core), work_(work) {}

    GcResult run(DryRun dry_run) {
        reachable_ = find_reachable(core_, work_);
        std::vector<PackUse> packs = look_at_packs();
        const std::vector<std::string> dead_maps = find_dead_maps();
        if (dry_run == DryRun::yes) {
            count_only(packs, dead_maps);
            return result_;
        }
        core_.catalog->add_session({std::string{kSession}, std::string{kSession}});
        remove_stray_packs(core_);
        sweep(packs, dead_maps);
        core_.catalog->remove_session(std::string{kSession});
        return result_;
    }

private:
    std::vector<PackUse> look_at_packs() {
        std::vector<PackUse> packs;
        for (const catalog::PackRow& row : core_.catalog->list_packs()) {
            work_.throw_if_stopped();
            if (row.state != catalog::PackState::live) continue;
            packs.push_back(look_at(row));
            result_.live_chunks += packs.back().live.size();
            result_.dead_chunks += packs.back().dead.size();
        }
        return packs;
    }

    PackUse look_at(const catalog::PackRow& row) {
        PackUse use;
        use.row = row;
        use.id = PackId::from_hex_text(row.id);
        try {
            const auto pack = core_.packs->open(use.id);
            for (const PackSlot& slot : pack->slots()) {
                const bool is_live = reachable_.is_reached({use.id, slot.number});
                (is_live ? use.live : use.dead).push_back(slot);
                (is_live ? use.live_bytes : use.dead_bytes) += slot.size_bytes();
            }
            use.is_readable = tells_all_reachable(*pack);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::not_found) throw;
            // A damaged pack goes when nothing points into it, and is left alone otherwise.
            use.is_readable = !reachable_.slots.contains(use.id);
        }
        return use;
    }

    // The table of a damaged pack may be cut short: a slot that it does not tell is not a dead one.
    bool tells_all_reachable(const PackReader& pack) const {
        const auto marks = reachable_.slots.find(pack.header().pack);
        if (marks == reachable_.slots.end()) return true;
        for (std::uint32_t slot = 0; slot < marks->second.size(); ++slot) {
            if (!marks->second[slot] || pack.find(slot) != nullptr) continue;
            core_.environment.log.warning(
                "a damaged pack is left alone: points need slots that it does not tell",
                {{"pack", pack.header().pack.hex()}});
            return false;
        }
        return true;
    }

    std::vector<std::string> find_dead_maps() {
        std::vector<std::string> dead;
        for (const std::string& name : core_.store.list(object::Collection::maps)) {
            if (!reachable_.maps.contains(MapId::parse(name))) dead.push_back(name);
        }
        return dead;
    }

    void count_only(const std::vector<PackUse>& packs, const std::vector<std::string>& maps) {
        for (const PackUse& use : packs) {
            if (use.is_dead()) {
                ++result_.packs_removed;
                result_.freed_bytes += use.row.size_bytes;
            } else if (use.is_sparse()) {
                ++result_.packs_compacted;
                result_.freed_bytes += use.dead_bytes;
            }
        }
        for (const std::string& name : maps) {
            result_.freed_bytes +=
                core_.store.find_size({object::Collection::maps, name}).value_or(0);
        }
    }

    void sweep(const std::vector<PackUse>& packs, const std::vector<std::string>& maps) {
        // Removing first: it makes the room that compaction needs.
        for (const PackUse& use : packs) {
            work_.throw_if_stopped();
            if (use.is_dead()) remove_pack(use);
        }
        std::size_t compactions = 0;
        for (const PackUse& use : packs) {
            work_.throw_if_stopped();
            if (use.is_dead()) continue;
            const bool is_compacted = use.is_sparse() && compactions < compactions_max_;
            if (is_compacted) {
                ++compactions;
                compact_if_there_is_room(use);
            } else if (use.dead_bytes != use.row.dead_bytes) {
                catalog::PackRow row = use.row;
                row.dead_bytes = use.dead_bytes;
                core_.catalog->put_pack(row);
            }
        }
        for (const std::string& name : maps) {
            const object::Key key{object::Collection::maps, name};
            result_.freed_bytes += core_.store.find_size(key).value_or(0);
            core_.store.remove(key);
        }
        core_.redirects.remove_unused(
            [&](const SlotAddress& place) { return reachable_.is_reached(place); });
    }

    void drop_from_index(const PackId& pack, const std::vector<PackSlot>& slots) {
        for (const PackSlot& slot : slots) {
            core_.index->remove({short_id(slot.id), {pack, slot.number}});
        }
    }

    void remove_pack(const PackUse& use) {
        catalog::PackRow row = use.row;
        row.state = catalog::PackState::deleting;
        core_.catalog->put_pack(row);
        core_.packs->forget(use.id);
        drop_from_index(use.id, use.dead);
        core_.store.remove(pack_key(use.id, row.generation));
        core_.catalog->remove_pack(row.id);
        ++result_.packs_removed;
        result_.freed_bytes += row.size_bytes;
    }

    // Without room for a second generation the removal of dead packs was all that could be done.
    void compact_if_there_is_room(const PackUse& use) {
        try {
            compact(use);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::no_space) throw;
            compactions_max_ = 0;
            core_.environment.log.warning("no room to compact packs; run gc again",
                                          {{"error", error.what()}});
        }
    }

    void compact(const PackUse& use) {
        const object::Key fresh = pack_key(use.id, use.row.generation + 1);
        SealedPack sealed;
        try {
            sealed = write_next_generation(use);
        } catch (const Error& error) {
            core_.store.remove(fresh);
            const bool is_pack_damaged = error.code() == ErrorCode::corrupt;
            if (!is_pack_damaged) throw;
            core_.environment.log.warning("a damaged pack is not compacted",
                                          {{"pack", use.row.id}, {"error", error.what()}});
            return;
        }
        catalog::PackRow row = use.row;
        row.generation = sealed.generation;
        row.size_bytes = sealed.size_bytes;
        row.slot_count = sealed.slots.size();
        row.plain_bytes = sealed.plain_bytes;
        row.dead_bytes = 0;
        core_.catalog->put_pack(row);
        core_.packs->forget(use.id);
        drop_from_index(use.id, use.dead);
        core_.store.remove(pack_key(use.id, use.row.generation));
        ++result_.packs_compacted;
        result_.freed_bytes += use.row.size_bytes - sealed.size_bytes;
    }

    // New digests would make damaged bytes look sound, and the old ones would be gone.
    static void check_sound(const PackReader& pack, const PackSlot& slot, Bytes bytes,
                            ChunkCodec& codec) {
        Bytes plain(slot.plain_length);
        if (pack.decode(slot, bytes, codec, plain)) return;
        throw Error{ErrorCode::corrupt, fmt::format("slot {} is damaged", slot.number)};
    }

    // Copies live slots byte for byte, then reads the new object back and compares.
    SealedPack write_next_generation(const PackUse& use) {
        const auto old = core_.packs->open(use.id);
        PackHeader header = old->header();
        header.generation = use.row.generation + 1;
        header.table_nonce = core_.environment.random.u64();
        PackWriter writer{core_.store, core_.keys, header};
        ChunkCodec codec;
        Bytes bytes;
        for (const PackSlot& slot : use.live) {
            bytes.resize(static_cast<std::size_t>(slot.size_bytes()));
            old->read(slot.offset, bytes);
            check_sound(*old, slot, bytes, codec);
            writer.copy(slot, bytes);
        }
        SealedPack sealed = writer.seal();
        const PackReader copy{core_.store, core_.keys, use.id, header.generation};
        Bytes copied;
        for (const PackSlot& slot : use.live) {
            const PackSlot* found = copy.find(slot.number);
            if (found == nullptr || found->size_bytes() != slot.size_bytes()) {
                throw Error{ErrorCode::corrupt, "the compacted pack lacks a slot"};
            }
            bytes.resize(static_cast<std::size_t>(slot.size_bytes()));
            copied.resize(bytes.size());
            old->read(slot.offset, bytes);
            copy.read(found->offset, copied);
            if (bytes != copied) {
                throw Error{ErrorCode::corrupt, "the compacted pack does not read back"};
            }
        }
        return sealed;
    }

    RepositoryCore& core_;
    Work work_;
    Reachable reachable_;
    std::size_t compactions_max_ = kCompactionsMax;
    GcResult result_;
};

}  // namespace

GcResult collect_garbage(RepositoryCore& core, DryRun dry_run, const Work& work) {
    for (const catalog::SessionRow& session : core.catalog->list_sessions()) {
        if (session.kind != kSession) continue;
        remove_stray_packs(core);
        core.catalog->remove_session(session.id);
    }
    return Collector{core, work}.run(dry_run);
}

void remove_stray_packs(RepositoryCore& core) {
    for (const std::string& name : core.store.list(object::Collection::packs)) {
        const auto parsed = parse_pack_name(name);
        if (!parsed) continue;
        const auto row = core.catalog->find_pack(parsed->pack.hex());
        if (row && row->generation == parsed->generation) continue;
        core.store.remove({object::Collection::packs, name});
    }
}

}  // namespace entrepot::repository
