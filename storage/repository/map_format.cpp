// Encoding and decoding of a map's parts; FORMAT.md has the same byte by byte.
#include "storage/repository/map_format.h"

#include "storage/repository/limits.h"
#include "storage/repository/record.h"

#include "base/check.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace entrepot::repository {
namespace {

constexpr std::string_view kHeaderMagic = "ENTRMAP1";
constexpr std::string_view kTrailerMagic = "ENTRMEND";
constexpr std::uint16_t kVersion = 1;
constexpr std::uint16_t kFlagEncrypted = 1;
constexpr std::uint16_t kFlagParent = 2;
constexpr std::size_t kDirectoryEntryBytes = 48;

[[noreturn]] void corrupt(const std::string& fact) {
    throw Error{ErrorCode::corrupt, "map: " + fact};
}

// True if `next` may stand in one extent with `previous` before it.
bool continues(const MapEntry& previous, const MapEntry& next) {
    if (previous.state != next.state) return false;
    if (next.state != MapEntry::State::stored) return true;
    return next.address.pack == previous.address.pack &&
           next.address.slot == previous.address.slot + 1;
}

}  // namespace

std::string MapId::name() const {
    return fmt::format("{}-{}", point.hex(), number);
}

MapId MapId::parse(const std::string& name) {
    constexpr std::size_t kHexLength = 2 * PointId::kSizeBytes;
    MapId id;
    if (name.size() > kHexLength + 1 && name[kHexLength] == '-') {
        const char* end = name.data() + name.size();
        const auto result = std::from_chars(name.data() + kHexLength + 1, end, id.number);
        if (result.ec == std::errc{} && result.ptr == end) {
            id.point = PointId::from_hex_text(name.substr(0, kHexLength));
            return id;
        }
    }
    throw Error{ErrorCode::corrupt, fmt::format("'{}' is no name of a map", name)};
}

std::uint32_t MapHeader::chunks_in(std::uint32_t span) const {
    const std::uint64_t first = std::uint64_t{span} * kSpanChunks;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(kSpanChunks, chunk_count() - first));
}

object::Key map_key(const MapId& id) {
    return {object::Collection::maps, id.name()};
}

Sealer map_sealer(const RepositoryKeys& keys, const MapHeader& header) {
    LittleEndianWriter name;
    name.bytes(header.id.point.bytes).u32(header.id.number);
    return keys.sealer_for("entrepot map v1", header.salt, name.data());
}

Bytes encode_map_header(const MapHeader& header) {
    LittleEndianWriter out;
    std::uint16_t flags = header.is_encrypted ? kFlagEncrypted : std::uint16_t{0};
    if (header.parent) flags = static_cast<std::uint16_t>(flags | kFlagParent);
    const MapId parent = header.parent.value_or(MapId{});
    out.bytes(as_bytes(kHeaderMagic)).u16(kVersion).u16(flags).u32(header.chunk_size_bytes);
    out.bytes(header.repository.bytes).bytes(header.id.point.bytes).u32(header.id.number);
    out.bytes(parent.point.bytes).u32(parent.number).u32(header.depth);
    out.u64(header.disk_size_bytes).bytes(header.salt);
    return seal_record(out, kMapHeaderBytes);
}

MapHeader decode_map_header(ByteView bytes) {
    ENTREPOT_CHECK(bytes.size() == kMapHeaderBytes);
    LittleEndianReader in = open_record(bytes, kHeaderMagic, "map", "header");
    const std::uint16_t version = in.u16();
    if (version != kVersion) {
        throw Error{ErrorCode::unsupported, fmt::format("map version {}", version)};
    }
    const std::uint16_t flags = in.u16();
    MapHeader header;
    header.is_encrypted = (flags & kFlagEncrypted) != 0;
    header.chunk_size_bytes = in.u32();
    header.repository = RepositoryId::from(in.bytes(RepositoryId::kSizeBytes));
    header.id.point = PointId::from(in.bytes(PointId::kSizeBytes));
    header.id.number = in.u32();
    MapId parent;
    parent.point = PointId::from(in.bytes(PointId::kSizeBytes));
    parent.number = in.u32();
    if ((flags & kFlagParent) != 0) header.parent = parent;
    header.depth = in.u32();
    header.disk_size_bytes = in.u64();
    std::ranges::copy(in.bytes(kSaltBytes), header.salt.begin());
    const bool is_sane = header.chunk_size_bytes >= limits::kChunkSizeBytesMin &&
                         header.chunk_size_bytes <= limits::kChunkSizeBytesMax &&
                         header.disk_size_bytes <= limits::kDiskSizeBytesMax &&
                         header.depth <= limits::kMapDepthMax &&
                         header.parent.has_value() == (header.depth > 0);
    if (!is_sane) corrupt("header fields make no sense");
    return header;
}

Bytes encode_map_trailer(const MapTrailer& trailer) {
    LittleEndianWriter out;
    out.bytes(as_bytes(kTrailerMagic)).u64(trailer.directory_offset);
    out.u64(trailer.directory_length).u64(trailer.stored_chunks).u32(trailer.span_count);
    out.bytes(trailer.root.bytes);
    return seal_record(out, kMapTrailerBytes);
}

MapTrailer decode_map_trailer(ByteView bytes, std::uint64_t object_size_bytes) {
    ENTREPOT_CHECK(bytes.size() == kMapTrailerBytes);
    LittleEndianReader in = open_record(bytes, kTrailerMagic, "map", "trailer");
    MapTrailer trailer;
    trailer.directory_offset = in.u64();
    trailer.directory_length = in.u64();
    trailer.stored_chunks = in.u64();
    trailer.span_count = in.u32();
    trailer.root = Digest::from(in.bytes(Digest::kSizeBytes));
    const std::uint64_t end = object_size_bytes - kMapTrailerBytes;
    const bool is_whole =
        trailer.directory_offset >= kMapHeaderBytes && trailer.directory_offset <= end &&
        trailer.directory_length == end - trailer.directory_offset &&
        trailer.directory_length == trailer.span_count * kDirectoryEntryBytes + kTagBytes;
    if (!is_whole) corrupt(fmt::format("trailer does not fit {} bytes", object_size_bytes));
    return trailer;
}

Bytes encode_directory(const std::vector<SpanRecord>& records) {
    LittleEndianWriter out;
    for (const SpanRecord& record : records) {
        out.u32(record.span).u64(record.offset).u32(record.length).bytes(record.hash.bytes);
    }
    return out.take();
}

std::vector<SpanRecord> decode_directory(ByteView bytes, const MapHeader& header,
                                         const MapTrailer& trailer) {
    std::vector<SpanRecord> records;
    records.reserve(trailer.span_count);
    LittleEndianReader in{bytes};
    for (std::uint32_t i = 0; i < trailer.span_count; ++i) {
        SpanRecord record;
        record.span = in.u32();
        record.offset = in.u64();
        record.length = in.u32();
        record.hash = Digest::from(in.bytes(Digest::kSizeBytes));
        const bool is_sane = record.span < header.span_count() &&
                             (records.empty() || records.back().span < record.span) &&
                             record.offset >= kMapHeaderBytes &&
                             record.offset <= trailer.directory_offset &&
                             record.length <= trailer.directory_offset - record.offset;
        if (!is_sane) corrupt(fmt::format("directory entry {} makes no sense", i));
        records.push_back(record);
    }
    return records;
}

Bytes encode_span(const std::vector<MapEntry>& entries) {
    LittleEndianWriter extents;
    LittleEndianWriter ids;
    std::uint16_t extent_count = 0;
    for (std::size_t first = 0; first < entries.size();) {
        const MapEntry& entry = entries[first];
        std::size_t end = first + 1;
        while (end < entries.size() && continues(entries[end - 1], entries[end]))
            ++end;
        if (entry.state != MapEntry::State::unset) {
            extents.u16(static_cast<std::uint16_t>(first));
            extents.u16(static_cast<std::uint16_t>(end - first));
            extents.u8(static_cast<std::uint8_t>(entry.state));
            ++extent_count;
        }
        if (entry.state == MapEntry::State::stored) {
            extents.bytes(entry.address.pack.bytes).u32(entry.address.slot);
            for (std::size_t i = first; i < end; ++i)
                ids.bytes(entries[i].id.bytes);
        }
        first = end;
    }
    LittleEndianWriter out;
    out.u16(extent_count).bytes(extents.data()).bytes(ids.data());
    return out.take();
}

void apply_span(ByteView bytes, std::vector<MapEntry>& entries) {
    struct Extent {
        std::size_t first = 0;
        std::size_t count = 0;
        SlotAddress address;
        bool is_stored = false;
    };
    LittleEndianReader in{bytes};
    std::vector<Extent> extents(in.u16());
    if (extents.size() > kSpanChunks) corrupt("a span of too many extents");
    for (Extent& extent : extents) {
        extent.first = in.u16();
        extent.count = in.u16();
        const std::uint8_t state = in.u8();
        extent.is_stored = state == static_cast<std::uint8_t>(MapEntry::State::stored);
        const bool is_sane =
            (extent.is_stored || state == static_cast<std::uint8_t>(MapEntry::State::zero)) &&
            extent.first <= entries.size() && extent.count <= entries.size() - extent.first;
        if (!is_sane) corrupt("an extent outside of its span");
        if (!extent.is_stored) continue;
        extent.address.pack = PackId::from(in.bytes(PackId::kSizeBytes));
        extent.address.slot = in.u32();
    }
    for (const Extent& extent : extents) {
        for (std::size_t i = 0; i < extent.count; ++i) {
            MapEntry entry{.state = MapEntry::State::zero};
            if (extent.is_stored) {
                entry.state = MapEntry::State::stored;
                entry.id = ShortId::from(in.bytes(ShortId::kSizeBytes));
                entry.address = {extent.address.pack,
                                 extent.address.slot + static_cast<std::uint32_t>(i)};
            }
            MapEntry& target = entries[extent.first + i];
            if (target.state == MapEntry::State::unset) target = entry;
        }
    }
    if (in.remaining() != 0) corrupt("a span with bytes left over");
}

Digest span_hash(const std::vector<MapEntry>& entries) {
    Bytes ids;
    ids.reserve(entries.size() * ShortId::kSizeBytes);
    for (const MapEntry& entry : entries) {
        ids.insert(ids.end(), entry.id.bytes.begin(), entry.id.bytes.end());
    }
    return sha256(ids);
}

Digest zero_span_hash(std::uint32_t chunk_count) {
    return span_hash(std::vector<MapEntry>(chunk_count));
}

RootHasher::RootHasher(const MapHeader& header) {
    LittleEndianWriter out;
    out.bytes(as_bytes("entrepot disk v1")).u64(header.disk_size_bytes);
    out.u32(header.chunk_size_bytes);
    sha256_.update(out.data());
}

}  // namespace entrepot::repository
