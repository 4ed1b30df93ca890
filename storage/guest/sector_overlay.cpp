// A sector is copied from the disk when a part of it changes first.
#include "storage/guest/sector_overlay.h"

#include "storage/guest_model/limits.h"

#include "base/error.h"

#include <algorithm>
#include <utility>

namespace entrepot::guest {
namespace {

constexpr std::uint64_t kSectorBytes = 512;

}  // namespace

void SectorOverlay::read(std::uint64_t offset, MutableByteView target) const {
    disk_.read(offset, target);
    if (target.empty()) return;
    const std::uint64_t end = offset + target.size();
    auto sector = sectors_.lower_bound(offset / kSectorBytes);
    for (; sector != sectors_.end() && sector->first * kSectorBytes < end; ++sector) {
        const std::uint64_t begin = sector->first * kSectorBytes;
        const std::uint64_t from = std::max(begin, offset);
        const std::uint64_t to = std::min(begin + kSectorBytes, end);
        std::copy_n(sector->second.begin() + static_cast<std::ptrdiff_t>(from - begin), to - from,
                    target.begin() + static_cast<std::ptrdiff_t>(from - offset));
    }
}

void SectorOverlay::write(std::uint64_t offset, ByteView content) {
    while (!content.empty()) {
        const std::uint64_t number = offset / kSectorBytes;
        const auto skip = static_cast<std::size_t>(offset % kSectorBytes);
        const std::size_t count = std::min<std::size_t>(content.size(), kSectorBytes - skip);
        auto found = sectors_.find(number);
        if (found == sectors_.end()) {
            if (sectors_.size() == limits::kXfsReplayedSectorsMax) {
                throw Error{ErrorCode::limit, "its journal changes more than can be replayed here"};
            }
            Bytes sector(kSectorBytes);
            disk_.read(number * kSectorBytes, sector);
            found = sectors_.emplace(number, std::move(sector)).first;
        }
        std::ranges::copy(content.first(count),
                          found->second.begin() + static_cast<std::ptrdiff_t>(skip));
        content = content.subspan(count);
        offset += count;
    }
}

bool SectorOverlay::is_changed(std::uint64_t offset, std::uint64_t length) const {
    const auto first = sectors_.lower_bound(offset / kSectorBytes);
    return first != sectors_.end() && first->first * kSectorBytes < offset + length;
}

std::uint64_t SectorOverlay::unchanged_length(std::uint64_t offset, std::uint64_t length) const {
    const auto first = sectors_.lower_bound(offset / kSectorBytes);
    if (first == sectors_.end()) return length;
    return std::min(length, std::max(first->first * kSectorBytes, offset) - offset);
}

}  // namespace entrepot::guest
