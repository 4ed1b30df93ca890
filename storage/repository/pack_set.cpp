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

std::shared_ptr<const PackReader> PackSet::open(const PackId& pack) {
    {
        const std::scoped_lock lock{mutex_};
        if (const auto found = by_id_.find(pack); found != by_id_.end()) {
            recent_.splice(recent_.begin(), recent_, found->second);
            return found->second->second;
        }
    }
    const auto row = catalog_.find_pack(pack.hex());
    if (!row || row->state != catalog::PackState::live) {
        throw Error{ErrorCode::not_found, fmt::format("there is no live pack {}", pack.hex())};
    }
    auto reader = std::make_shared<const PackReader>(store_, keys_, pack, row->generation);

    const std::scoped_lock lock{mutex_};
    if (const auto found = by_id_.find(pack); found != by_id_.end()) return found->second->second;
    recent_.emplace_front(pack, reader);
    by_id_[pack] = recent_.begin();
    if (recent_.size() > kOpenPacksMax) {
        by_id_.erase(recent_.back().first);
        recent_.pop_back();
    }
    return reader;
}

template <typename Matches>
std::optional<KnownChunk> PackSet::find_matching(const ShortId& id, Matches&& matches) {
    const auto hint = index_.find(id);
    if (!hint) return std::nullopt;
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
    return find_matching(short_id(id), [&](const PackSlot& slot) { return slot.id == id; });
}

std::vector<SlotAddress> PackSet::find_copies(const ShortId& id) {
    const auto known =
        find_matching(id, [&](const PackSlot& slot) { return short_id(slot.id) == id; });
    if (!known) return {};
    return {known->address};
}

void PackSet::add(const SealedPack& pack) {
    catalog_.put_pack({.id = pack.pack.hex(),
                       .generation = pack.generation,
                       .state = catalog::PackState::live,
                       .size_bytes = pack.size_bytes,
                       .slot_count = pack.slots.size(),
                       .plain_bytes = pack.plain_bytes});
    std::vector<IndexEntry> entries;
    entries.reserve(pack.slots.size());
    for (const PackSlot& slot : pack.slots) {
        entries.push_back({short_id(slot.id), {pack.pack, slot.number}});
    }
    index_.put(entries);
}

void PackSet::forget(const PackId& pack) {
    const std::scoped_lock lock{mutex_};
    const auto found = by_id_.find(pack);
    if (found == by_id_.end()) return;
    recent_.erase(found->second);
    by_id_.erase(found);
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
