// Resolving a span: the nearest map that tells a chunk wins.
#include "storage/repository/map_view.h"

#include "storage/repository/limits.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::repository {
namespace {

MapHeader read_header(const object::Object& object, const RepositoryKeys& keys, const MapId& id) {
    if (object.size_bytes() < kMapHeaderBytes + kMapTrailerBytes) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("map of {} bytes is cut short", object.size_bytes())};
    }
    MapHeader header = decode_map_header(object.read(0, kMapHeaderBytes));
    const bool is_expected = header.repository == keys.repository() && header.id == id &&
                             header.is_encrypted == keys.is_encrypted();
    if (!is_expected) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("the object's header names map {}", header.id.name())};
    }
    return header;
}

}  // namespace

MapFile::MapFile(object::Store& store, const RepositoryKeys& keys, const MapId& id)
    : object_(store.open(map_key(id))),
      header_(with_context(fmt::format("reading map {}", id.name()),
                           [&] { return read_header(*object_, keys, id); })),
      sealer_(map_sealer(keys, header_)) {
    with_context(fmt::format("reading map {}", id.name()), [&] {
        const std::uint64_t size_bytes = object_->size_bytes();
        trailer_ = decode_map_trailer(
            object_->read(size_bytes - kMapTrailerBytes, kMapTrailerBytes), size_bytes);
        if (trailer_.span_count > header_.span_count()) {
            throw Error{ErrorCode::corrupt, "map: more spans than the disk has"};
        }
        const auto directory =
            sealer_.open(0, encode_map_header(header_),
                         object_->read(trailer_.directory_offset,
                                       static_cast<std::size_t>(trailer_.directory_length)));
        if (!directory) throw Error{ErrorCode::corrupt, "map: directory is damaged"};
        records_ = decode_directory(*directory, header_, trailer_);
    });
}

const SpanRecord* MapFile::find(std::uint32_t span) const {
    const auto found = std::ranges::lower_bound(records_, span, {}, &SpanRecord::span);
    return found != records_.end() && found->span == span ? &*found : nullptr;
}

void MapFile::apply(const SpanRecord& record, std::vector<MapEntry>& entries) const {
    const auto plain = sealer_.open(std::uint64_t{record.span} + 1, {},
                                    object_->read(record.offset, record.length));
    if (!plain) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("map {}: span {} is damaged", header_.id.name(), record.span)};
    }
    apply_span(*plain, entries);
}

std::shared_ptr<const MapView> MapView::open(object::Store& store, const RepositoryKeys& keys,
                                             const MapId& id) {
    auto view = std::make_shared<MapView>();
    std::optional<MapId> next = id;
    while (next) {
        auto file = std::make_shared<const MapFile>(store, keys, *next);
        const MapHeader& header = file->header();
        if (!view->chain_.empty()) {
            const MapHeader& child = view->chain_.back()->header();
            const bool fits = header.depth + 1 == child.depth &&
                              header.disk_size_bytes == child.disk_size_bytes &&
                              header.chunk_size_bytes == child.chunk_size_bytes;
            if (!fits) {
                throw Error{ErrorCode::corrupt, fmt::format("map {} is no parent of map {}",
                                                            header.id.name(), child.id.name())};
            }
        }
        next = header.parent;
        view->chain_.push_back(std::move(file));
    }
    return view;
}

std::size_t MapView::nearest(std::uint32_t span) const {
    for (std::size_t i = 0; i < chain_.size(); ++i) {
        if (chain_[i]->find(span) != nullptr) return i;
    }
    return chain_.size();
}

std::vector<MapEntry> MapView::resolve_from(std::uint32_t span, std::size_t first) const {
    std::vector<MapEntry> entries(header().chunks_in(span));
    const auto is_unset = [](const MapEntry& entry) {
        return entry.state == MapEntry::State::unset;
    };
    for (std::size_t i = first; i < chain_.size(); ++i) {
        const SpanRecord* record = chain_[i]->find(span);
        if (record == nullptr) continue;
        chain_[i]->apply(*record, entries);
        if (std::ranges::none_of(entries, is_unset)) return entries;
    }
    for (MapEntry& entry : entries) {
        if (is_unset(entry)) entry.state = MapEntry::State::zero;
    }
    return entries;
}

Digest MapView::hash_of(std::uint32_t span) const {
    const std::size_t i = nearest(span);
    return i < chain_.size() ? chain_[i]->find(span)->hash
                             : zero_span_hash(header().chunks_in(span));
}

}  // namespace entrepot::repository
