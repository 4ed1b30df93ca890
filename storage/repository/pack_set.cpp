// A hit counts only if the pack is live and its slot table shows the id.
#include "storage/repository/pack_set.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::repository {
namespace {

// A slot table takes up to half a MiB.
constexpr std::size_t kOpenPacksMax = 32;

}  // namespace

PackSet::PackSet(object::Store& store, catalog::Catalog& catalog, ChunkIndex& index,
                 const RedirectTable& redirects, const RepositoryKeys& keys)
    : store_(store), catalog_(catalog), index_(index), redirects_(redirects), keys_(keys) {
    for (const catalog::DamagedSlot& slot : catalog_.list_damaged_slots()) {
        const ShortId id = slot.chunk.empty() ? ShortId{} : ShortId::from_hex_text(slot.chunk);
        quarantine({id, {PackId::from_hex_text(slot.pack), slot.slot}});
    }
    // A catalog that was lost knew them, too.
    for (const Redirect& redirect : redirects_.list())
        quarantine({redirect.id, redirect.from});
}

std::shared_ptr<const PackReader> PackSet::find_open(const PackId& pack, std::uint64_t& epoch) {
    const std::scoped_lock lock{mutex_};
    epoch = epoch_;
    const auto found = by_id_.find(pack);
    if (found == by_id_.end()) return nullptr;
    recent_.splice(recent_.begin(), recent_, found->second);
    return found->second->second;
}

// Gc may exchange the generation between the row and the file; then the row tells another one.
std::shared_ptr<const PackReader> PackSet::open(const PackId& pack) {
    std::optional<std::uint32_t> missing;
    for (;;) {
        std::uint64_t epoch = 0;
        if (auto reader = find_open(pack, epoch)) return reader;
        const auto row = catalog_.find_pack(pack.hex());
        if (!row || !is_readable(row->state)) {
            throw Error{ErrorCode::not_found, fmt::format("there is no live pack {}", pack.hex())};
        }
        std::shared_ptr<const PackReader> reader;
        try {
            reader = std::make_shared<const PackReader>(store_, keys_, pack, row->generation);
        } catch (const Error& error) {
            const bool is_news = error.code() == ErrorCode::not_found && missing != row->generation;
            if (!is_news) throw;
            missing = row->generation;
            continue;
        }
        const std::scoped_lock lock{mutex_};
        if (const auto found = by_id_.find(pack); found != by_id_.end()) {
            return found->second->second;
        }
        // What was read before somebody forgot a pack may be its last generation: not for others.
        if (epoch != epoch_) return reader;
        recent_.emplace_front(pack, reader);
        by_id_[pack] = recent_.begin();
        if (recent_.size() > kOpenPacksMax) {
            by_id_.erase(recent_.back().first);
            recent_.pop_back();
        }
        return reader;
    }
}

bool PackSet::is_retired(const PackId& pack) const {
    const std::scoped_lock lock{mutex_};
    return retired_.contains(pack);
}

template <typename Matches>
std::optional<KnownChunk> PackSet::find_matching(const ShortId& id, Retired retired,
                                                 Matches&& matches) {
    const auto hint = index_.find(id);
    // Before its table is looked at: who finds a pack live here began before gc condemns it, and gc
    // waits for him. The hint may be right again.
    if (!hint || (retired == Retired::refused && is_retired(hint->pack))) return std::nullopt;
    try {
        const auto pack = open(hint->pack);
        const PackSlot* slot = pack->find(hint->slot);
        if (slot != nullptr && matches(*slot) && !is_damaged(*hint)) {
            return KnownChunk{*hint, pack->header().generation};
        }
    } catch (const Error& error) {
        const bool is_pack_unusable =
            error.code() == ErrorCode::not_found || error.code() == ErrorCode::corrupt;
        if (!is_pack_unusable) throw;
    }
    index_.remove({id, *hint});
    return std::nullopt;
}

std::optional<KnownChunk> PackSet::find_chunk(const ChunkId& id) {
    return find_matching(short_id(id), Retired::refused,
                         [&](const PackSlot& slot) { return slot.id == id; });
}

std::vector<SlotAddress> PackSet::find_copies(const ShortId& id) {
    const auto known = find_matching(id, Retired::taken,
                                     [&](const PackSlot& slot) { return short_id(slot.id) == id; });
    if (!known) return {};
    return {known->address};
}

void PackSet::add(const SealedPack& pack, const std::string& session) {
    catalog_.put_pack({.id = pack.pack.hex(),
                       .generation = pack.generation,
                       .state = catalog::PackState::live,
                       .size_bytes = pack.size_bytes,
                       .slot_count = pack.slots.size(),
                       .plain_bytes = pack.plain_bytes,
                       .session = session});
    std::vector<IndexEntry> entries;
    entries.reserve(pack.slots.size());
    for (const PackSlot& slot : pack.slots) {
        entries.push_back({short_id(slot.id), {pack.pack, slot.number}});
    }
    index_.put(entries);
}

void PackSet::forget(const PackId& pack) {
    const std::scoped_lock lock{mutex_};
    ++epoch_;
    const auto found = by_id_.find(pack);
    if (found == by_id_.end()) return;
    recent_.erase(found->second);
    by_id_.erase(found);
}

void PackSet::retire(const std::vector<catalog::PackChange>& changes) {
    std::vector<std::string> retired;
    {
        const std::scoped_lock lock{mutex_};
        for (const auto& [before, after] : changes) {
            if (after.state == catalog::PackState::live) continue;
            retired_.insert(PackId::from_hex_text(after.id));
            retired.push_back(after.id);
        }
    }
    try {
        catalog_.change_packs(changes);
    } catch (...) {
        note_revived(retired);
        throw;
    }
}

void PackSet::note_revived(const std::vector<std::string>& packs) {
    const std::scoped_lock lock{mutex_};
    for (const std::string& pack : packs)
        retired_.erase(PackId::from_hex_text(pack));
}

void PackSet::revive_all() {
    std::vector<catalog::PackChange> changes;
    for (const catalog::PackRow& row : catalog_.list_packs()) {
        const bool is_live = row.state == catalog::PackState::live;
        if (is_live || !is_readable(row.state)) continue;
        changes.push_back({row, row});
        changes.back().after.state = catalog::PackState::live;
    }
    if (!changes.empty()) catalog_.change_packs(changes);
    const std::scoped_lock lock{mutex_};
    retired_.clear();
}

bool PackSet::begin_removal(const catalog::PackRow& row) {
    catalog::PackChange change{row, row};
    change.before.state = catalog::PackState::condemned;
    change.after.state = catalog::PackState::deleting;
    if (catalog_.change_packs({change}).empty()) return false;
    forget(PackId::from_hex_text(row.id));
    return true;
}

bool PackSet::switch_generation(const catalog::PackRow& row, const SealedPack& fresh) {
    catalog::PackChange change{row, row};
    change.before.state = catalog::PackState::compacting;
    change.after.state = catalog::PackState::live;
    change.after.generation = fresh.generation;
    change.after.size_bytes = fresh.size_bytes;
    change.after.slot_count = fresh.slots.size();
    change.after.plain_bytes = fresh.plain_bytes;
    change.after.dead_bytes = 0;
    if (catalog_.change_packs({change}).empty()) return false;
    forget(fresh.pack);
    note_revived({row.id});
    return true;
}

void PackSet::quarantine(const IndexEntry& chunk) {
    const bool is_new = damaged_.emplace(chunk.address, chunk.id).second;
    if (is_new && chunk.id != ShortId{}) damaged_by_id_.emplace(chunk.id, chunk.address);
    has_damage_ = true;
}

void PackSet::mark_damaged(const std::vector<IndexEntry>& chunks) {
    std::vector<catalog::DamagedSlot> rows;
    for (const IndexEntry& chunk : chunks)
        rows.push_back({chunk.address.pack.hex(), chunk.address.slot, chunk.id.hex()});
    catalog_.add_damaged_slots(rows);
    {
        const std::scoped_lock lock{mutex_};
        for (const IndexEntry& chunk : chunks)
            quarantine(chunk);
    }
    for (const IndexEntry& chunk : chunks)
        index_.remove(chunk);
}

void PackSet::note_damage(const ShortId& id, const SlotAddress& place) noexcept {
    try {
        if (!is_damaged(place)) mark_damaged({{id, place}});
    } catch (...) {
        // Whoever reads goes on reading; the next check finds it again.
    }
}

std::vector<SlotAddress> PackSet::redirects(const SlotAddress& place) {
    std::vector<SlotAddress> places = redirects_.places(place);
    if (places.size() < 2) return places;
    const std::scoped_lock lock{mutex_};
    std::ranges::stable_partition(
        places, [&](const SlotAddress& known) { return damaged_.contains(known); });
    return places;
}

bool PackSet::is_unhealed(const SlotAddress& address) const {
    const std::vector<SlotAddress> places = redirects_.places(address);
    return std::ranges::all_of(places,
                               [&](const SlotAddress& place) { return damaged_.contains(place); });
}

std::vector<SlotAddress> PackSet::unhealed(const ShortId& id) const {
    std::vector<SlotAddress> found;
    if (!has_damage_) return found;
    const std::scoped_lock lock{mutex_};
    const auto [first, last] = damaged_by_id_.equal_range(id);
    for (auto entry = first; entry != last; ++entry) {
        if (is_unhealed(entry->second)) found.push_back(entry->second);
    }
    return found;
}

std::size_t PackSet::count_unhealed() const {
    const std::scoped_lock lock{mutex_};
    return static_cast<std::size_t>(std::ranges::count_if(
        damaged_, [&](const auto& entry) { return is_unhealed(entry.first); }));
}

bool PackSet::is_damaged(const SlotAddress& address) const {
    const std::scoped_lock lock{mutex_};
    return damaged_.contains(address);
}

std::vector<IndexEntry> PackSet::damaged_slots() const {
    const std::scoped_lock lock{mutex_};
    std::vector<IndexEntry> entries;
    for (const auto& [address, id] : damaged_)
        entries.push_back({id, address});
    return entries;
}

}  // namespace entrepot::repository
