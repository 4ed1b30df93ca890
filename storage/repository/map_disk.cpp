// Large reads go from the packs into the caller's memory without a copy; chunks that are read in
// part go through a small cache.
#include "storage/repository/map_disk.h"

#include "storage/repository/map_view.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <list>
#include <mutex>

namespace entrepot::repository {
namespace {

constexpr std::size_t kSpansCachedMax = 8;
constexpr std::size_t kChunksCachedMax = 32;

/// The last few values by number. Values are shared with those who use them when they are dropped.
template <typename Value>
class RecentValues {
public:
    explicit RecentValues(std::size_t count_max) : count_max_(count_max) {}

    std::shared_ptr<const Value> find(std::uint64_t number) {
        const std::scoped_lock lock{mutex_};
        const auto found = std::ranges::find(recent_, number, &Entry::first);
        if (found == recent_.end()) return nullptr;
        recent_.splice(recent_.begin(), recent_, found);
        return found->second;
    }

    void put(std::uint64_t number, std::shared_ptr<const Value> value) {
        const std::scoped_lock lock{mutex_};
        recent_.emplace_front(number, std::move(value));
        if (recent_.size() > count_max_) recent_.pop_back();
    }

private:
    using Entry = std::pair<std::uint64_t, std::shared_ptr<const Value>>;
    std::mutex mutex_;
    std::list<Entry> recent_;
    std::size_t count_max_;
};

class MapDisk final : public PointDisk {
public:
    MapDisk(const ChunkSource& source, std::string name, const DiskDraft& draft, const MapId& map)
        : source_(source),
          name_(std::move(name)),
          sector_size_(draft.logical_sector_size),
          view_(MapView::open(source_.store, source_.keys, map)) {
        if (view_->header().disk_size_bytes != draft.size_bytes ||
            view_->header().chunk_size_bytes != source_.chunk_size_bytes) {
            throw Error{ErrorCode::corrupt,
                        fmt::format("{}: map {} is of another size", name_, map.name())};
        }
    }

    std::uint64_t size_bytes() const override { return view_->header().disk_size_bytes; }
    std::uint32_t logical_sector_size() const override { return sector_size_; }
    std::uint32_t chunk_size_bytes() const override { return source_.chunk_size_bytes; }

    void read(std::uint64_t offset, MutableByteView target) const override {
        ENTREPOT_CHECK(offset <= size_bytes() && target.size() <= size_bytes() - offset);
        const std::uint64_t chunk_size = chunk_size_bytes();
        std::vector<ChunkRequest> requests;
        std::vector<std::uint64_t> numbers;
        while (!target.empty()) {
            const std::uint64_t chunk = offset / chunk_size;
            const std::uint64_t start = chunk * chunk_size;
            const std::uint64_t length = std::min(chunk_size, size_bytes() - start);
            const auto count = static_cast<std::size_t>(
                std::min<std::uint64_t>(target.size(), start + length - offset));
            const MutableByteView part = target.first(count);
            const MapEntry entry = entry_of(chunk);
            if (entry.state != MapEntry::State::stored) {
                std::ranges::fill(part, std::byte{0});
            } else if (count == length) {
                requests.push_back({entry.id, entry.address, part});
                numbers.push_back(chunk);
            } else {
                read_part(chunk, static_cast<std::size_t>(length), entry, offset - start, part);
            }
            target = target.subspan(count);
            offset += count;
        }
        if (!requests.empty()) read_chunks(requests, numbers);
    }

    disk::DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override {
        ENTREPOT_CHECK(offset < size_bytes());
        const std::uint64_t chunk_size = chunk_size_bytes();
        const std::uint64_t end =
            offset + std::min(std::max<std::uint64_t>(length_max, 1), size_bytes() - offset);
        std::uint64_t chunk = offset / chunk_size;
        const bool is_data = is_stored(chunk);
        while (chunk * chunk_size < end && is_stored(chunk) == is_data) {
            // A span that no map records is zeros as a whole.
            const auto span = static_cast<std::uint32_t>(chunk / kSpanChunks);
            const bool is_absent = !is_data && view_->nearest(span) == view_->chain().size();
            chunk = is_absent ? (std::uint64_t{span} + 1) * kSpanChunks : chunk + 1;
        }
        return {offset, std::min(chunk * chunk_size, end) - offset,
                is_data ? disk::ExtentKind::data : disk::ExtentKind::zero};
    }

private:
    using Span = std::vector<MapEntry>;

    std::shared_ptr<const Span> span_of(std::uint32_t span) const {
        if (auto known = spans_.find(span)) return known;
        try {
            auto entries = std::make_shared<const Span>(view_->resolve(span));
            spans_.put(span, entries);
            return entries;
        } catch (Error& error) {
            error.add_context(fmt::format("reading {} at {}", name_,
                                          std::uint64_t{span} * kSpanChunks * chunk_size_bytes()));
            throw;
        }
    }

    MapEntry entry_of(std::uint64_t chunk) const {
        const auto span = static_cast<std::uint32_t>(chunk / kSpanChunks);
        if (view_->nearest(span) == view_->chain().size()) {
            return MapEntry{.state = MapEntry::State::zero};
        }
        return (*span_of(span))[chunk % kSpanChunks];
    }

    bool is_stored(std::uint64_t chunk) const {
        return entry_of(chunk).state == MapEntry::State::stored;
    }

    void read_part(std::uint64_t chunk, std::size_t length, const MapEntry& entry,
                   std::uint64_t skip, MutableByteView target) const {
        std::shared_ptr<const Bytes> content = chunks_.find(chunk);
        if (!content) {
            auto fresh = std::make_shared<Bytes>(length);
            std::vector<ChunkRequest> requests;
            requests.push_back({entry.id, entry.address, *fresh});
            read_chunks(requests, {chunk});
            chunks_.put(chunk, fresh);
            content = std::move(fresh);
        }
        std::memcpy(target.data(), content->data() + skip, target.size());
    }

    void read_chunks(std::vector<ChunkRequest>& requests,
                     const std::vector<std::uint64_t>& numbers) const {
        source_.reader.read(requests);
        for (std::size_t i = 0; i < requests.size(); ++i) {
            if (requests[i].damage.empty()) continue;
            throw Error{
                ErrorCode::corrupt,
                fmt::format("{}: {} bytes at {} are damaged: {}", name_, requests[i].target.size(),
                            numbers[i] * chunk_size_bytes(), requests[i].damage),
                "another recovery point may hold this range undamaged"};
        }
    }

    ChunkSource source_;
    std::string name_;
    std::uint32_t sector_size_;
    std::shared_ptr<const MapView> view_;
    mutable RecentValues<Span> spans_{kSpansCachedMax};
    mutable RecentValues<Bytes> chunks_{kChunksCachedMax};
};

}  // namespace

std::unique_ptr<PointDisk> open_map_disk(const ChunkSource& source, std::string name,
                                         const DiskDraft& draft, const MapId& map) {
    return std::make_unique<MapDisk>(source, std::move(name), draft, map);
}

Bytes read_point_file(ChunkReader& reader, const std::string& owner, const PointFile& file) {
    std::size_t size_bytes = 0;
    for (const FileChunk& chunk : file.chunks)
        size_bytes += chunk.length;
    Bytes content(size_bytes);
    std::vector<ChunkRequest> requests;
    std::size_t offset = 0;
    for (const FileChunk& chunk : file.chunks) {
        const MutableByteView target = MutableByteView{content}.subspan(offset, chunk.length);
        if (chunk.id != ShortId{}) requests.push_back({chunk.id, chunk.address, target});
        offset += chunk.length;
    }
    reader.read(requests);
    for (const ChunkRequest& request : requests) {
        if (request.damage.empty()) continue;
        throw Error{ErrorCode::corrupt,
                    fmt::format("{}, file '{}' is damaged: {}", owner, file.name, request.damage)};
    }
    return content;
}

}  // namespace entrepot::repository
