// Writes the map of one disk, whole or as a delta on another.
#pragma once

#include "storage/object/store.h"
#include "storage/repository/map_format.h"
#include "storage/repository/map_view.h"

#include "base/random.h"

#include <memory>
#include <vector>

namespace entrepot::repository {

struct WrittenMap {
    MapId id;
    Digest root;
    std::uint64_t stored_chunks = 0;
    std::uint64_t changed_bytes = 0;
};

/// Chunks come in ascending order. Not for several threads.
class MapWriter {
public:
    /// A delta on `base`, or a whole map where there is none. A base that is too deep is folded
    /// into a whole map.
    MapWriter(object::Store& store, Random& random, const RepositoryKeys& keys, const MapId& id,
              std::uint32_t chunk_size_bytes, std::uint64_t disk_size_bytes,
              std::shared_ptr<const MapView> base);

    const MapHeader& header() const { return header_; }
    void put(std::uint64_t chunk, const MapEntry& entry);
    void put_zeros(std::uint64_t first, std::uint64_t count);
    /// Durable on return.
    WrittenMap finish();

private:
    void enter_span(std::uint32_t span);
    void leave_span();
    void fold_base_until(std::uint32_t span);
    void record(std::uint32_t span, const std::vector<MapEntry>& entries, const Digest& hash);
    Digest compute_root() const;

    MapHeader header_;
    std::shared_ptr<const MapView> base_;
    Sealer sealer_;
    std::unique_ptr<object::Upload> upload_;
    Bytes buffer_;
    std::uint64_t offset_ = 0;
    std::vector<SpanRecord> records_;
    std::vector<MapEntry> current_;  // What was put into the current span.
    std::uint32_t current_span_ = 0;
    bool is_in_span_ = false;
    std::uint32_t next_span_ = 0;  // The first span that folding has not passed.
    std::uint64_t next_chunk_ = 0;
    std::uint64_t stored_chunks_ = 0;
    std::uint64_t changed_bytes_ = 0;
};

}  // namespace entrepot::repository
