// Span by span: what was put, over what the base says; only touched spans are hashed again.
#include "storage/repository/map_writer.h"

#include "storage/repository/limits.h"

#include "base/check.h"

#include <algorithm>
#include <utility>

namespace entrepot::repository {
namespace {

constexpr std::size_t kBufferBytes = 256 * kKiB;

MapHeader make_header(Random& random, const RepositoryKeys& keys, const MapId& id,
                      std::uint32_t chunk_size_bytes, std::uint64_t disk_size_bytes,
                      const MapView* base) {
    MapHeader header{.repository = keys.repository(),
                     .id = id,
                     .chunk_size_bytes = chunk_size_bytes,
                     .disk_size_bytes = disk_size_bytes,
                     .is_encrypted = keys.is_encrypted()};
    if (base != nullptr && base->header().depth < limits::kMapDepthMax) {
        header.parent = base->header().id;
        header.depth = base->header().depth + 1;
    }
    random.fill(header.salt);
    return header;
}

bool is_stored(const MapEntry& entry) {
    return entry.state == MapEntry::State::stored;
}

}  // namespace

MapWriter::MapWriter(object::Store& store, Random& random, const RepositoryKeys& keys,
                     const MapId& id, std::uint32_t chunk_size_bytes, std::uint64_t disk_size_bytes,
                     std::shared_ptr<const MapView> base)
    : header_(make_header(random, keys, id, chunk_size_bytes, disk_size_bytes, base.get())),
      base_(std::move(base)),
      sealer_(map_sealer(keys, header_)),
      upload_(store.create(map_key(id))),
      buffer_(encode_map_header(header_)),
      offset_(buffer_.size()),
      stored_chunks_(base_ ? base_->trailer().stored_chunks : 0) {
    ENTREPOT_CHECK(!base_ || base_->header().disk_size_bytes == disk_size_bytes);
}

void MapWriter::put(std::uint64_t chunk, const MapEntry& entry) {
    ENTREPOT_CHECK(chunk >= next_chunk_ && chunk < header_.chunk_count());
    next_chunk_ = chunk + 1;
    enter_span(static_cast<std::uint32_t>(chunk / kSpanChunks));
    current_[chunk % kSpanChunks] = entry;
    changed_bytes_ += std::min<std::uint64_t>(
        header_.chunk_size_bytes, header_.disk_size_bytes - chunk * header_.chunk_size_bytes);
}

void MapWriter::put_zeros(std::uint64_t first, std::uint64_t count) {
    ENTREPOT_CHECK(first >= next_chunk_ && count <= header_.chunk_count() - first);
    const std::uint64_t end = first + count;
    std::uint64_t chunk = first;
    while (chunk < end) {
        const auto span = static_cast<std::uint32_t>(chunk / kSpanChunks);
        const std::uint64_t span_end = std::min((std::uint64_t{span} + 1) * kSpanChunks, end);
        // Zeros over zeros need no record, so that a sparse disk costs nothing.
        const bool is_zero_already = !(is_in_span_ && current_span_ == span) &&
                                     (!base_ || base_->nearest(span) == base_->chain().size());
        if (!is_zero_already) {
            enter_span(span);
            std::fill(current_.begin() + static_cast<std::ptrdiff_t>(chunk % kSpanChunks),
                      current_.begin() +
                          static_cast<std::ptrdiff_t>(chunk % kSpanChunks + (span_end - chunk)),
                      MapEntry{.state = MapEntry::State::zero});
        }
        chunk = span_end;
    }
    next_chunk_ = end;
    changed_bytes_ += std::min(count * header_.chunk_size_bytes,
                               header_.disk_size_bytes - first * header_.chunk_size_bytes);
}

void MapWriter::enter_span(std::uint32_t span) {
    if (is_in_span_ && current_span_ == span) return;
    leave_span();
    fold_base_until(span);
    current_.assign(header_.chunks_in(span), MapEntry{});
    current_span_ = span;
    is_in_span_ = true;
}

void MapWriter::leave_span() {
    if (!is_in_span_) return;
    is_in_span_ = false;
    next_span_ = current_span_ + 1;
    std::vector<MapEntry> before =
        base_ ? base_->resolve(current_span_)
              : std::vector<MapEntry>(current_.size(), MapEntry{.state = MapEntry::State::zero});
    std::vector<MapEntry> after = before;
    bool is_changed = false;
    for (std::size_t i = 0; i < current_.size(); ++i) {
        if (current_[i].state == MapEntry::State::unset) continue;
        if (current_[i] == before[i]) {
            // Reported as changed and is not: the base goes on telling it.
            current_[i] = MapEntry{};
            continue;
        }
        after[i] = current_[i];
        is_changed = true;
    }
    stored_chunks_ -= static_cast<std::uint64_t>(std::ranges::count_if(before, is_stored));
    stored_chunks_ += static_cast<std::uint64_t>(std::ranges::count_if(after, is_stored));
    if (header_.parent) {
        if (is_changed) record(current_span_, current_, span_hash(after));
    } else if (std::ranges::any_of(after, is_stored)) {
        record(current_span_, after, span_hash(after));
    }
}

// Only a map without a parent has to repeat what its base says.
void MapWriter::fold_base_until(std::uint32_t span) {
    if (!base_ || header_.parent) return;
    for (; next_span_ < span; ++next_span_) {
        if (base_->nearest(next_span_) == base_->chain().size()) continue;
        const std::vector<MapEntry> entries = base_->resolve(next_span_);
        if (std::ranges::any_of(entries, is_stored)) {
            record(next_span_, entries, base_->hash_of(next_span_));
        }
    }
}

void MapWriter::record(std::uint32_t span, const std::vector<MapEntry>& entries,
                       const Digest& hash) {
    std::vector<MapEntry> told = entries;
    if (!header_.parent) {
        for (MapEntry& entry : told) {
            if (!is_stored(entry)) entry = MapEntry{};
        }
    }
    // A span is recorded once in a map, so its number serves as the nonce; 0 is the directory's.
    const Bytes sealed = sealer_.seal(std::uint64_t{span} + 1, {}, encode_span(told));
    records_.push_back({span, offset_, static_cast<std::uint32_t>(sealed.size()), hash});
    offset_ += sealed.size();
    buffer_.insert(buffer_.end(), sealed.begin(), sealed.end());
    if (buffer_.size() < kBufferBytes) return;
    upload_->append(buffer_);
    buffer_.clear();
}

Digest MapWriter::compute_root() const {
    RootHasher hasher{header_};
    const Digest zero_hash = zero_span_hash(kSpanChunks);
    auto record = records_.begin();
    for (std::uint32_t span = 0; span < header_.span_count(); ++span) {
        if (record != records_.end() && record->span == span) {
            hasher.add(record->hash);
            ++record;
        } else if (header_.parent) {
            hasher.add(base_->hash_of(span));
        } else {
            const std::uint32_t count = header_.chunks_in(span);
            hasher.add(count == kSpanChunks ? zero_hash : zero_span_hash(count));
        }
    }
    return hasher.finish();
}

WrittenMap MapWriter::finish() {
    leave_span();
    fold_base_until(header_.span_count());
    MapTrailer trailer{.directory_offset = offset_,
                       .span_count = static_cast<std::uint32_t>(records_.size()),
                       .stored_chunks = stored_chunks_,
                       .root = compute_root()};
    const Bytes directory = sealer_.seal(0, encode_map_header(header_), encode_directory(records_));
    trailer.directory_length = directory.size();
    upload_->append(buffer_);
    upload_->append(directory);
    upload_->append(encode_map_trailer(trailer));
    upload_->commit();
    upload_.reset();
    return {header_.id, trailer.root, stored_chunks_, changed_bytes_};
}

}  // namespace entrepot::repository
