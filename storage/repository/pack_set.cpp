// A hit counts only if the pack is live and its slot table shows the id.
#include "storage/repository/pack_set.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::repository {
namespace {

// A slot table takes up to half a MiB.
constexpr std::size_t kOpenPacksMax = 32;

}  // namespace

PackSet::PackSet(object::Store& store, catalog::Catalog& catalog, ChunkIndex& index,
                 const RepositoryKeys& keys)
    : store_(store), catalog_(catalog), index_(index), keys_(keys) {
    for (const catalog::DamagedSlot& slot : catalog_.list_damaged_slots()) {
        damaged_.insert({PackId::from_hex_text(slot.pack), slot.slot});
    }
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

void PackSet::mark_damaged(const std::vector<SlotAddress>& slots) {
    std::vector<catalog::DamagedSlot> rows;
    for (const SlotAddress& slot : slots)
        rows.push_back({slot.pack.hex(), slot.slot});
    catalog_.add_damaged_slots(rows);
    const std::scoped_lock lock{mutex_};
    damaged_.insert(slots.begin(), slots.end());
}

bool PackSet::is_damaged(const SlotAddress& address) const {
    const std::scoped_lock lock{mutex_};
    return damaged_.contains(address);
}

std::vector<SlotAddress> PackSet::damaged_slots() const {
    const std::scoped_lock lock{mutex_};
    return {damaged_.begin(), damaged_.end()};
}

}  // namespace entrepot::repository
