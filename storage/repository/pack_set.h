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
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

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

    /// The pack in its current generation, unless it is being written or deleted.
    std::shared_ptr<const PackReader> open(const PackId& pack) override;
    /// As find_chunk(), for readers that know half of the id: one at the most.
    std::vector<SlotAddress> find_copies(const ShortId& id) override;
    std::vector<SlotAddress> redirects(const SlotAddress& place) override;
    void note_damage(const ShortId& id, const SlotAddress& place) noexcept override;

    /// Where a chunk is stored, if it is, soundly as far as we know, in a pack that is live: the
    /// index is asked, the pack's slot table decides, and a hint that was wrong is dropped.
    std::optional<KnownChunk> find_chunk(const ChunkId& id);

    /// Registers a pack that is durable: it may be referred to from now on.
    void add(const SealedPack& pack, const std::string& session);
    /// After its row changed, or to look at the object itself again.
    void forget(const PackId& pack);

    /// Makes the changes whose packs are what they were, in one transaction. Before it, and until
    /// they are live again, no lookup finds a chunk in those that become condemned or compacting.
    /// Requires the commit lock.
    void retire(const std::vector<catalog::PackChange>& changes);
    /// Those of a commit, which made them live. Requires the commit lock.
    void note_revived(const std::vector<std::string>& packs);
    /// All that are condemned or compacting become live again.
    void revive_all();
    /// A pack that was condemned: no reader gets it from here on. False if it is not condemned.
    bool begin_removal(const catalog::PackRow& row);
    /// Compaction's last step: lookups and readers find the fresh generation. False if the pack is
    /// not compacting.
    bool switch_generation(const catalog::PackRow& row, const SealedPack& fresh);

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

    bool is_retired(const PackId& pack) const;
    std::shared_ptr<const PackReader> find_open(const PackId& pack, std::uint64_t& epoch);

    enum class Retired { refused, taken };
    template <typename Matches>
    std::optional<KnownChunk> find_matching(const ShortId& id, Retired retired, Matches&& matches);

    object::Store& store_;
    catalog::Catalog& catalog_;
    ChunkIndex& index_;
    const RedirectTable& redirects_;
    const RepositoryKeys& keys_;
    mutable std::mutex mutex_;
    std::list<Entry> recent_;  // Most recent first.
    std::unordered_map<PackId, std::list<Entry>::iterator, IdHash> by_id_;
    std::uint64_t epoch_ = 0;                     // Grows whenever a pack is forgotten.
    std::unordered_set<PackId, IdHash> retired_;  // Condemned or compacting, or about to be.
    std::unordered_map<SlotAddress, ShortId, AddressHash> damaged_;
    std::unordered_multimap<ShortId, SlotAddress, IdHash> damaged_by_id_;
    std::atomic<bool> has_damage_{false};
};

}  // namespace entrepot::repository
