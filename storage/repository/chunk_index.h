// Chunk id to address, on disk. Follows the architecture, "Index": a hit is a hint, and losing
// entries costs space only.
#pragma once

#include "storage/repository/ids.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

namespace entrepot::repository {

struct IndexEntry {
    ShortId id;
    SlotAddress address;
};

/// Safe to share between threads.
class ChunkIndex {
public:
    /// Opens it; a damaged or missing one is begun anew, which was_created() tells.
    explicit ChunkIndex(const std::filesystem::path& directory);
    ~ChunkIndex();
    ChunkIndex(const ChunkIndex&) = delete;
    ChunkIndex& operator=(const ChunkIndex&) = delete;

    bool was_created() const;
    std::optional<SlotAddress> find(const ShortId& id) const;
    /// A later entry replaces an earlier one of the same id.
    void put(const std::vector<IndexEntry>& entries);
    /// Removes an entry if it still points there.
    void remove(const IndexEntry& entry);
    void clear();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace entrepot::repository
