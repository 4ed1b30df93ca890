// Replay targets are kept as ranges: one descriptor of a hostile log can name terabytes of zeros,
// and the pages of a chain of dirty logs together have no place in memory.
#include "storage/disk/image_view.h"

#include "storage/disk/limits.h"

#include "base/check.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace entrepot::disk::vhdx {

namespace {

/// At the end of a page, in its descriptor; a u64 goes in front.
constexpr std::size_t kTrailingBytes = 4;

}  // namespace

std::vector<Overlay::Range>::const_iterator Overlay::find(std::uint64_t offset) const {
    const auto next = std::upper_bound(
        ranges_.begin(), ranges_.end(), offset,
        [](std::uint64_t place, const Range& range) { return place < range.offset; });
    if (next == ranges_.begin()) return next;
    const auto before = std::prev(next);
    return before->end() > offset ? before : next;
}

bool Overlay::overlaps(std::uint64_t offset, std::uint64_t length) const {
    if (length == 0) return false;
    const auto range = find(offset);
    return range != ranges_.end() && (range->offset <= offset || range->offset - offset < length);
}

std::uint64_t Overlay::end() const {
    return ranges_.empty() ? 0 : ranges_.back().end();
}

void Overlay::apply(const File& file, std::uint64_t offset, MutableByteView target) const {
    const std::uint64_t end = offset + target.size();
    for (auto range = find(offset); range != ranges_.end() && range->offset < end; ++range) {
        const std::uint64_t begin_covered = std::max(range->offset, offset);
        const std::uint64_t end_covered = std::min(range->end(), end);
        const MutableByteView part =
            target.subspan(begin_covered - offset, end_covered - begin_covered);
        if (range->is_zero()) {
            std::memset(part.data(), 0, part.size());
        } else {
            read_page(file, *range, begin_covered - range->offset, part);
        }
    }
}

void Overlay::read_page(const File& file, const Range& range, std::uint64_t skip,
                        MutableByteView target) {
    std::array<std::byte, kPageBytes> page;
    const std::size_t count = file.read_some(range.sector_offset, page);
    if (count < page.size() || crc32c(page) != range.checksum) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("VHDX log: the data sector at offset {} changed while the image "
                                "was read",
                                range.sector_offset)};
    }
    store_u64(page, 0, range.length_or_leading);
    store_u32(page, kPageBytes - kTrailingBytes, range.trailing);
    std::memcpy(target.data(), page.data() + skip, target.size());
}

void OverlayBuilder::put_page(std::uint64_t offset, const LoggedPage& page) {
    ENTREPOT_CHECK(offset % Overlay::kPageBytes == 0 && page.sector_offset > 0);
    cut_out(offset, Overlay::kPageBytes);
    put({offset, page.sector_offset, page.leading, page.trailing, page.checksum});
}

void OverlayBuilder::put_zeros(std::uint64_t offset, std::uint64_t length) {
    ENTREPOT_CHECK(offset % Overlay::kPageBytes == 0 && length % Overlay::kPageBytes == 0);
    if (length == 0) return;
    cut_out(offset, length);
    put({offset, 0, length, 0, 0});
}

void OverlayBuilder::put(const Overlay::Range& range) {
    ranges_.emplace(range.offset, range);
    if (ranges_.size() > limits::kOverlayRangesMax) {
        throw Error{ErrorCode::limit, fmt::format("VHDX log: its replay needs more than {} ranges",
                                                  limits::kOverlayRangesMax)};
    }
}

/// Shortens or removes what lies in the range. Only ranges of zeros are ever longer than a page, so
/// no page is ever cut.
void OverlayBuilder::cut_out(std::uint64_t offset, std::uint64_t length) {
    const std::uint64_t end = offset + length;
    auto range = ranges_.upper_bound(offset);
    if (range != ranges_.begin()) --range;
    while (range != ranges_.end() && range->first < end) {
        const std::uint64_t range_begin = range->first;
        const std::uint64_t range_end = range->second.end();
        if (range_end <= offset) {
            ++range;
            continue;
        }
        range = ranges_.erase(range);
        if (range_begin < offset) put({range_begin, 0, offset - range_begin, 0, 0});
        if (range_end > end) put({end, 0, range_end - end, 0, 0});
    }
}

Overlay OverlayBuilder::build() const {
    Overlay overlay;
    overlay.ranges_.reserve(ranges_.size());
    for (const auto& [offset, range] : ranges_)
        overlay.ranges_.push_back(range);
    return overlay;
}

void ImageView::read(std::uint64_t offset, MutableByteView target) const {
    if (offset > size_bytes_ || target.size() > size_bytes_ - offset) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("{} bytes at offset {} lie beyond the image file of {} bytes",
                                target.size(), offset, size_bytes_)};
    }
    const std::size_t count = file_.read_some(offset, target);
    if (count < target.size()) {
        // Legal only where the replay made the file longer than it is on disk.
        if (offset + count < file_size_bytes_) {
            throw Error{ErrorCode::corrupt,
                        fmt::format("the image file shrank while it was read: {} of {} bytes at "
                                    "offset {}",
                                    count, target.size(), offset)};
        }
        std::memset(target.data() + count, 0, target.size() - count);
    }
    if (!overlay_.empty()) overlay_.apply(file_, offset, target);
}

Bytes ImageView::read(std::uint64_t offset, std::size_t length) const {
    Bytes bytes(length);
    read(offset, bytes);
    return bytes;
}

}  // namespace entrepot::disk::vhdx
