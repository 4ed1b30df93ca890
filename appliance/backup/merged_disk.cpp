// Merges layers with a base by extents; see merged_disk.h.
#include "appliance/backup/merged_disk.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace entrepot::backup {

using disk::DiskExtent;
using disk::ExtentKind;

MergedDisk::MergedDisk(const disk::DiskSource& layers, const disk::DiskSource* base,
                       std::vector<ByteRange> differing)
    : layers_(layers), base_(base), differing_(std::move(differing)) {
    if (base_ == nullptr) return;
    if (base_->size_bytes() != layers_.size_bytes()) {
        throw Error{ErrorCode::parent_mismatch,
                    fmt::format("the differencing image is for a disk of {} bytes, the base has {}",
                                layers_.size_bytes(), base_->size_bytes())};
    }
    if (base_->logical_sector_size() != layers_.logical_sector_size()) {
        throw Error{ErrorCode::parent_mismatch,
                    fmt::format("the differencing image has sectors of {} bytes, the base of {}",
                                layers_.logical_sector_size(), base_->logical_sector_size())};
    }
}

void MergedDisk::read(std::uint64_t offset, MutableByteView target) const {
    while (!target.empty()) {
        const DiskExtent extent = layers_.extent_at(offset, target.size());
        const MutableByteView part = target.first(static_cast<std::size_t>(extent.length));
        switch (extent.kind) {
            case ExtentKind::data:
                layers_.read(offset, part);
                break;
            case ExtentKind::zero:
            case ExtentKind::unmapped:
                std::fill(part.begin(), part.end(), std::byte{0});
                break;
            case ExtentKind::parent:
                if (base_ == nullptr) {
                    throw Error{ErrorCode::parent_missing,
                                "the image leaves content to a parent that is not here"};
                }
                base_->read(offset, part);
                break;
        }
        offset += part.size();
        target = target.subspan(part.size());
    }
}

DiskExtent MergedDisk::extent_at(std::uint64_t offset, std::uint64_t length_max) const {
    DiskExtent extent = layers_.extent_at(offset, length_max);
    if (extent.kind != ExtentKind::parent) return extent;
    const auto next =
        std::find_if(differing_.begin(), differing_.end(), [offset](const ByteRange& range) {
            return range.offset > offset || offset - range.offset < range.length;
        });
    if (next == differing_.end()) return extent;
    if (next->offset > offset) {
        extent.length = std::min(extent.length, next->offset - offset);
        return extent;
    }
    extent.kind = ExtentKind::data;
    extent.length = std::min(extent.length, next->length - (offset - next->offset));
    return extent;
}

DiskExtent MergedDisk::content_extent_at(std::uint64_t offset, std::uint64_t length_max) const {
    const DiskExtent extent = layers_.extent_at(offset, length_max);
    if (extent.kind != ExtentKind::parent || base_ == nullptr) return extent;
    return base_->extent_at(offset, extent.length);
}

}  // namespace entrepot::backup
