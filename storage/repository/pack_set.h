// The packs of a repository: open readers, the lookup of known chunks, the slots that are damaged.
#pragma once

#include "storage/catalog/catalog.h"
#include "storage/object/store.h"
#include "storage/repository/chunk_index.h"
#include "storage/repository/pack_reader.h"
#include "storage/repository/pack_source.h"
#include "storage/repository/pack_writer.h"
#include "storage/repository/redirects.h"

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace entrepot::repository {

struct KnownChunk {
    SlotAddress address;
    std::uint32_t generation = 0;
};

/// Safe to share between threads.
class PackSet final : public PackSource {
public:
    PackSet(object::Store& store, catalog::Catalog& catalog, ChunkIndex& index,
            const RedirectTable& redirects, const RepositoryKeys& keys);

    /// The pack in its current generation, if it is live.
    std::shared_ptr<const PackReader> open(const PackId& pack) override;
    /// As find_chunk(), for readers that know half of the id: one at the most.
    std::vector<SlotAddress> find_copies(const ShortId& id) override;
    std::vector<SlotAddress> redirects(const SlotAddress& place) override;
    void note_damage(const ShortId& id, const SlotAddress& place) noexcept override;

    /// Where a chunk is stored, if it is, soundly as far as we know: the index is asked, the pack's
    /// slot table decides, and a hint that was wrong is dropped.
    std::optional<KnownChunk> find_chunk(const ChunkId& id);

    /// Registers a pack that is durable: it may be referred to from now on.
    void add(const SealedPack& pack);
    /// After its row changed, or to look at the object itself again.
    void forget(const PackId& pack);

    /// Quarantines slots: they are never again the answer to find_chunk(). Forgets their hints.
    void mark_damaged(const std::vector<IndexEntry>& chunks);
    bool is_damaged(const SlotAddress& address) const;
    std::vector<IndexEntry> damaged_slots() const;
    /// Damaged places of this chunk from which no redirect leads to a place that is not. Costs
    /// nothing while nothing is damaged.
    std::vector<SlotAddress> unhealed(const ShortId& id) const;
    std::size_t count_unhealed() const;

private:
    using Entry = std::pair<PackId, std::shared_ptr<const PackReader>>;

    // Require the lock.
    void quarantine(const IndexEntry& chunk);
    bool is_unhealed(const SlotAddress& address) const;

    template <typename Matches>
    std::optional<KnownChunk> find_matching(const ShortId& id, Matches&& matches);

    object::Store& store_;
    catalog::Catalog& catalog_;
    ChunkIndex& index_;
    const RedirectTable& redirects_;
    const RepositoryKeys& keys_;
    mutable std::mutex mutex_;
    std::list<Entry> recent_;  // Most recent first.
    std::unordered_map<PackId, std::list<Entry>::iterator, IdHash> by_id_;
    std::unordered_map<SlotAddress, ShortId, AddressHash> damaged_;
    std::unordered_multimap<ShortId, SlotAddress, IdHash> damaged_by_id_;
    std::atomic<bool> has_damage_{false};
};

}  // namespace entrepot::repository
