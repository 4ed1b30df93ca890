// A chunk index in memory, which a test can drop, make stale or fill with wrong entries.
#pragma once

#include "storage/repository/chunk_index.h"

#include "base/random.h"

#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace entrepot::repository::test {

using IndexEntries = std::unordered_map<ShortId, SlotAddress, IdHash>;

class MemoryIndex final : public ChunkIndex {
public:
    /// nullopt: there was none, so it is begun anew. What it holds in the end is left in `*kept`.
    MemoryIndex(std::optional<IndexEntries> entries, IndexEntries* kept)
        : was_created_(!entries),
          entries_(std::move(entries).value_or(IndexEntries{})),
          kept_(kept) {}
    MemoryIndex(const MemoryIndex&) = delete;
    MemoryIndex& operator=(const MemoryIndex&) = delete;
    ~MemoryIndex() override {
        if (kept_ != nullptr) *kept_ = std::move(entries_);
    }

    bool was_created() const override { return was_created_; }
    std::optional<SlotAddress> find(const ShortId& id) const override {
        const std::scoped_lock lock{mutex_};
        const auto found = entries_.find(id);
        return found == entries_.end() ? std::nullopt : std::optional{found->second};
    }
    void put(const std::vector<IndexEntry>& entries) override {
        const std::scoped_lock lock{mutex_};
        for (const IndexEntry& entry : entries)
            entries_[entry.id] = entry.address;
    }
    void remove(const IndexEntry& entry) override {
        const std::scoped_lock lock{mutex_};
        const auto found = entries_.find(entry.id);
        if (found != entries_.end() && found->second == entry.address) entries_.erase(found);
    }

    IndexEntries entries() const {
        const std::scoped_lock lock{mutex_};
        return entries_;
    }

private:
    bool was_created_;
    mutable std::mutex mutex_;
    IndexEntries entries_;
    IndexEntries* kept_;
};

/// What a crash may leave of an index: nothing, all, a part, or entries that lead elsewhere.
inline std::optional<IndexEntries> age_index(const IndexEntries& entries, Random& random) {
    IndexEntries aged;
    switch (random.u64() % 4) {
        case 0:
            return std::nullopt;
        case 1:
            return entries;
        case 2:
            for (const auto& entry : entries) {
                if (random.u64() % 2 == 0) aged.insert(entry);
            }
            return aged;
        default:
            break;
    }
    std::optional<SlotAddress> previous;
    for (const auto& [id, address] : entries) {
        aged.emplace(id, previous && random.u64() % 2 == 0 ? *previous : address);
        previous = address;
    }
    return aged;
}

}  // namespace entrepot::repository::test
