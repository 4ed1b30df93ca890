// The bytes of a map: spans of 1,024 chunks with extents and ids. Follows the architecture, "Map".
#pragma once

#include "storage/object/store.h"
#include "storage/repository/crypto.h"
#include "storage/repository/ids.h"
#include "storage/repository/repository_keys.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::repository {

inline constexpr std::uint32_t kSpanChunks = 1024;
inline constexpr std::size_t kMapHeaderBytes = 160;
inline constexpr std::size_t kMapTrailerBytes = 96;

/// Named after the point that made it.
struct MapId {
    PointId point;
    std::uint32_t number = 0;

    auto operator<=>(const MapId&) const = default;
    std::string name() const;
    /// Throws Error{corrupt}.
    static MapId parse(const std::string& name);
};

struct MapHeader {
    RepositoryId repository{};
    MapId id{};
    std::optional<MapId> parent{};  ///< A delta's; what it does not say is the parent's.
    std::uint32_t depth = 0;        ///< Number of ancestors.
    std::uint32_t chunk_size_bytes = 0;
    std::uint64_t disk_size_bytes = 0;
    bool is_encrypted = true;
    Salt salt{};

    std::uint64_t chunk_count() const {
        return disk_size_bytes / chunk_size_bytes + (disk_size_bytes % chunk_size_bytes != 0);
    }
    std::uint32_t span_count() const {
        return static_cast<std::uint32_t>((chunk_count() + kSpanChunks - 1) / kSpanChunks);
    }
    std::uint32_t chunks_in(std::uint32_t span) const;
};

struct MapTrailer {
    std::uint64_t directory_offset = 0;
    std::uint64_t directory_length = 0;  ///< With its tag.
    std::uint32_t span_count = 0;        ///< Spans that are recorded here.
    std::uint64_t stored_chunks = 0;     ///< Chunks of the whole view that are not zero.
    Digest root{};
};

/// One chunk as a map tells it.
struct MapEntry {
    enum class State : std::uint8_t { unset, zero, stored };
    State state = State::unset;
    ShortId id{};
    SlotAddress address{};
    bool operator==(const MapEntry&) const = default;
};

/// Where a span is recorded; the hash is that of the whole span, parents included.
struct SpanRecord {
    std::uint32_t span = 0;
    std::uint64_t offset = 0;
    std::uint32_t length = 0;
    Digest hash{};
};

object::Key map_key(const MapId& id);
Sealer map_sealer(const RepositoryKeys& keys, const MapHeader& header);

Bytes encode_map_header(const MapHeader& header);
/// Throws Error{corrupt}, Error{unsupported}.
MapHeader decode_map_header(ByteView bytes);
Bytes encode_map_trailer(const MapTrailer& trailer);
MapTrailer decode_map_trailer(ByteView bytes, std::uint64_t object_size_bytes);

Bytes encode_directory(const std::vector<SpanRecord>& records);
std::vector<SpanRecord> decode_directory(ByteView bytes, const MapHeader& header,
                                         const MapTrailer& trailer);

/// Runs of set entries; unset ones are left out.
Bytes encode_span(const std::vector<MapEntry>& entries);
/// Sets those entries of `entries` that are unset and that the record tells. Throws Error{corrupt}.
void apply_span(ByteView bytes, std::vector<MapEntry>& entries);

/// Over the ids of all chunks of the span; a chunk of zeros has an id of zeros.
Digest span_hash(const std::vector<MapEntry>& entries);
Digest zero_span_hash(std::uint32_t chunk_count);

/// The disk's root over its span hashes in order.
class RootHasher {
public:
    explicit RootHasher(const MapHeader& header);
    void add(const Digest& span_hash) { sha256_.update(span_hash.bytes); }
    Digest finish() { return sha256_.finish(); }

private:
    Sha256 sha256_;
};

}  // namespace entrepot::repository
