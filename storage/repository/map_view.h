// Which chunk is where on one disk: a map with its parents behind it.
#pragma once

#include "storage/object/store.h"
#include "storage/repository/map_format.h"

#include <memory>
#include <vector>

namespace entrepot::repository {

/// One map object, open. Safe to share between threads.
class MapFile {
public:
    /// Throws Error{not_found}, Error{corrupt}.
    MapFile(object::Store& store, const RepositoryKeys& keys, const MapId& id);

    const MapHeader& header() const { return header_; }
    const MapTrailer& trailer() const { return trailer_; }
    const std::vector<SpanRecord>& records() const { return records_; }
    const SpanRecord* find(std::uint32_t span) const;
    /// Sets what is unset in `entries` and told by the record.
    void apply(const SpanRecord& record, std::vector<MapEntry>& entries) const;

private:
    std::unique_ptr<object::Object> object_;
    MapHeader header_;
    MapTrailer trailer_;
    Sealer sealer_;
    std::vector<SpanRecord> records_;
};

/// Safe to share between threads.
class MapView {
public:
    /// Opens the map and all its ancestors.
    static std::shared_ptr<const MapView> open(object::Store& store, const RepositoryKeys& keys,
                                               const MapId& id);

    const MapHeader& header() const { return chain_.front()->header(); }
    const MapTrailer& trailer() const { return chain_.front()->trailer(); }
    /// Nearest first.
    const std::vector<std::shared_ptr<const MapFile>>& chain() const { return chain_; }

    /// The nearest map that records the span, as an index into chain(); chain().size() if none
    /// does, and then the span is zeros.
    std::size_t nearest(std::uint32_t span) const;
    /// All entries of the span; none is unset afterwards.
    std::vector<MapEntry> resolve(std::uint32_t span) const { return resolve_from(span, 0); }
    /// The same as chain()[first] sees it.
    std::vector<MapEntry> resolve_from(std::uint32_t span, std::size_t first) const;
    Digest hash_of(std::uint32_t span) const;

private:
    std::vector<std::shared_ptr<const MapFile>> chain_;
};

}  // namespace entrepot::repository
