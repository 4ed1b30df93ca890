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
    /// RocksDB's in a directory. A damaged or missing one is begun anew, which was_created() tells.
    static std::unique_ptr<ChunkIndex> open(const std::filesystem::path& directory);
    virtual ~ChunkIndex() = default;

    virtual bool was_created() const = 0;
    virtual std::optional<SlotAddress> find(const ShortId& id) const = 0;
    /// A later entry replaces an earlier one of the same id.
    virtual void put(const std::vector<IndexEntry>& entries) = 0;
    /// Removes an entry if it still points there.
    virtual void remove(const IndexEntry& entry) = 0;
};

}  // namespace entrepot::repository
