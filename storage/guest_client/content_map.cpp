// Pieces are found by where they end.
#include "storage/guest_client/content_map.h"

#include "base/check.h"

#include <algorithm>
#include <limits>

namespace entrepot::guest {

ContentMap::ContentMap(std::uint64_t begin, std::vector<ContentPlace> places)
    : begin_(begin), end_(begin) {
    for (const ContentPlace& place : places) {
        // Zeros may be of any length that somebody claims.
        if (place.length > std::numeric_limits<std::uint64_t>::max() - end_) break;
        end_ += place.length;
        pieces_.push_back({end_, place});
    }
}

bool ContentMap::covers(std::uint64_t offset, std::uint64_t length) const {
    return offset >= begin_ && offset <= end_ && length <= end_ - offset;
}

void ContentMap::read(const disk::DiskSource& disk, std::uint64_t offset,
                      MutableByteView target) const {
    ENTREPOT_CHECK(covers(offset, target.size()));
    auto piece = std::ranges::upper_bound(pieces_, offset, {}, &Piece::end);
    for (; !target.empty(); ++piece) {
        const std::uint64_t rest = piece->end - offset;
        const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(rest, target.size()));
        if (piece->place.offset) {
            disk.read(*piece->place.offset + (piece->place.length - rest), target.first(length));
        } else {
            std::ranges::fill(target.first(length), std::byte{0});
        }
        target = target.subspan(length);
        offset += length;
    }
}

}  // namespace entrepot::guest
