// Offsets are added here and nowhere else.
#include "storage/guest/volume_source.h"

#include "base/check.h"

#include <algorithm>

namespace entrepot::guest {

VolumeSource::VolumeSource(const disk::DiskSource& disk, std::uint64_t offset, std::uint64_t length)
    : disk_(disk), offset_(offset), length_(length) {
    ENTREPOT_CHECK(offset <= disk.size_bytes() && length <= disk.size_bytes() - offset);
}

void VolumeSource::read(std::uint64_t offset, MutableByteView target) const {
    ENTREPOT_CHECK(offset <= length_ && target.size() <= length_ - offset);
    disk_.read(offset_ + offset, target);
}

disk::DiskExtent VolumeSource::extent_at(std::uint64_t offset, std::uint64_t length_max) const {
    ENTREPOT_CHECK(offset < length_);
    disk::DiskExtent extent =
        disk_.extent_at(offset_ + offset, std::min(length_max, length_ - offset));
    extent.offset -= offset_;
    return extent;
}

Bytes read_up_to(const disk::DiskSource& disk, std::uint64_t offset, std::size_t length) {
    if (offset >= disk.size_bytes()) return {};
    Bytes bytes(
        static_cast<std::size_t>(std::min<std::uint64_t>(length, disk.size_bytes() - offset)));
    disk.read(offset, bytes);
    return bytes;
}

}  // namespace entrepot::guest
