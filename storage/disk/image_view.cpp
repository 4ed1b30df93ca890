// Replay targets are kept as ranges: one descriptor of a hostile log can name terabytes of zeros.
#include "storage/disk/image_view.h"

#include "storage/disk/limits.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace entrepot::disk::vhdx {

void Overlay::put_page(std::uint64_t offset, Bytes page) {
    ENTREPOT_CHECK(page.size() == kPageBytes && offset % kPageBytes == 0);
    cut_out(offset, kPageBytes);
    page_bytes_ += kPageBytes;
    ranges_.emplace(offset, Range{kPageBytes, std::move(page)});
    check_bounds();
}

void Overlay::put_zeros(std::uint64_t offset, std::uint64_t length) {
    ENTREPOT_CHECK(offset % kPageBytes == 0 && length % kPageBytes == 0);
    if (length == 0) return;
    cut_out(offset, length);
    ranges_.emplace(offset, Range{length, {}});
    check_bounds();
}

bool Overlay::overlaps(std::uint64_t offset, std::uint64_t length) const {
    if (ranges_.empty() || length == 0) return false;
    auto next = ranges_.upper_bound(offset);
    if (next != ranges_.begin()) {
        const auto before = std::prev(next);
        if (before->first + before->second.length > offset) return true;
    }
    return next != ranges_.end() && next->first - offset < length;
}

std::uint64_t Overlay::end() const {
    return ranges_.empty() ? 0 : ranges_.rbegin()->first + ranges_.rbegin()->second.length;
}

void Overlay::apply(std::uint64_t offset, MutableByteView target) const {
    const std::uint64_t end = offset + target.size();
    auto range = ranges_.upper_bound(offset);
    if (range != ranges_.begin()) --range;
    for (; range != ranges_.end() && range->first < end; ++range) {
        const std::uint64_t begin_covered = std::max(range->first, offset);
        const std::uint64_t end_covered = std::min(range->first + range->second.length, end);
        if (begin_covered >= end_covered) continue;
        const MutableByteView part =
            target.subspan(begin_covered - offset, end_covered - begin_covered);
        if (range->second.page.empty()) {
            std::memset(part.data(), 0, part.size());
        } else {
            std::memcpy(part.data(), range->second.page.data() + (begin_covered - range->first),
                        part.size());
        }
    }
}

/// Shortens or removes what lies in the range. Only ranges of zeros are ever longer than a page, so
/// no page is ever cut.
void Overlay::cut_out(std::uint64_t offset, std::uint64_t length) {
    const std::uint64_t end = offset + length;
    auto range = ranges_.upper_bound(offset);
    if (range != ranges_.begin()) --range;
    while (range != ranges_.end() && range->first < end) {
        const std::uint64_t range_begin = range->first;
        const std::uint64_t range_end = range_begin + range->second.length;
        if (range_end <= offset) {
            ++range;
            continue;
        }
        page_bytes_ -= range->second.page.size();
        range = ranges_.erase(range);
        if (range_begin < offset) ranges_.emplace(range_begin, Range{offset - range_begin, {}});
        if (range_end > end) ranges_.emplace(end, Range{range_end - end, {}});
    }
}

void Overlay::check_bounds() const {
    if (page_bytes_ > limits::kOverlayBytesMax || ranges_.size() > limits::kOverlayRangesMax) {
        throw Error{ErrorCode::limit,
                    fmt::format("VHDX log: its replay needs more than {} bytes or {} ranges",
                                limits::kOverlayBytesMax, limits::kOverlayRangesMax)};
    }
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
    if (!overlay_.empty()) overlay_.apply(offset, target);
}

Bytes ImageView::read(std::uint64_t offset, std::size_t length) const {
    Bytes bytes(length);
    read(offset, bytes);
    return bytes;
}

}  // namespace entrepot::disk::vhdx
