// Offsets are added here and nowhere else.
#include "storage/guest/volume_source.h"

#include "base/check.h"
#include "base/error.h"

#include <algorithm>
#include <limits>
#include <utility>

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

PieceSource::PieceSource(const disk::DiskSource& disk, std::vector<VolumePiece> pieces)
    : disk_(disk), pieces_(std::move(pieces)) {
    for (const VolumePiece& piece : pieces_) {
        ENTREPOT_CHECK(piece.length > 0 && piece.offset <= disk.size_bytes() &&
                       piece.length <= disk.size_bytes() - piece.offset);
        begins_.push_back(size_);
        ENTREPOT_CHECK(piece.length <= std::numeric_limits<std::uint64_t>::max() - size_);
        size_ += piece.length;
    }
    ENTREPOT_CHECK(!pieces_.empty());
}

PieceSource::Place PieceSource::find(std::uint64_t offset) const {
    ENTREPOT_CHECK(offset < size_);
    const auto behind = std::ranges::upper_bound(begins_, offset);
    const auto piece = static_cast<std::size_t>(behind - begins_.begin()) - 1;
    return {piece, offset - begins_[piece]};
}

void PieceSource::read(std::uint64_t offset, MutableByteView target) const {
    ENTREPOT_CHECK(offset <= size_ && target.size() <= size_ - offset);
    while (!target.empty()) {
        const Place place = find(offset);
        const VolumePiece& piece = pieces_[place.piece];
        const auto length = static_cast<std::size_t>(
            std::min<std::uint64_t>(target.size(), piece.length - place.offset));
        disk_.read(piece.offset + place.offset, target.first(length));
        target = target.subspan(length);
        offset += length;
    }
}

disk::DiskExtent PieceSource::extent_at(std::uint64_t offset, std::uint64_t length_max) const {
    const Place place = find(offset);
    const VolumePiece& piece = pieces_[place.piece];
    disk::DiskExtent extent = disk_.extent_at(piece.offset + place.offset,
                                              std::min(length_max, piece.length - place.offset));
    extent.offset = offset;
    return extent;
}

std::unique_ptr<disk::DiskSource> open_volume(const disk::DiskSource& disk, const Volume& volume) {
    if (!volume.pieces.empty()) return std::make_unique<PieceSource>(disk, volume.pieces);
    return std::make_unique<VolumeSource>(disk, volume.offset, volume.length);
}

std::vector<ContentPlace> places_on_disk(const Volume& volume,
                                         const std::vector<ContentPlace>& places,
                                         std::size_t count_max) {
    std::vector<VolumePiece> pieces = volume.pieces;
    if (pieces.empty()) pieces.push_back({volume.offset, volume.length});
    std::vector<ContentPlace> found;
    for (const ContentPlace& place : places) {
        if (!place.offset) {
            if (found.size() == count_max) return found;
            found.push_back(place);
            continue;
        }
        std::uint64_t skip = *place.offset;
        std::uint64_t rest = place.length;
        for (auto piece = pieces.begin(); piece != pieces.end() && rest > 0; ++piece) {
            if (skip >= piece->length) {
                skip -= piece->length;
                continue;
            }
            if (found.size() == count_max) return found;
            const std::uint64_t length = std::min(rest, piece->length - skip);
            found.push_back({length, piece->offset + skip});
            rest -= length;
            skip = 0;
        }
        if (rest > 0) {
            throw Error{ErrorCode::corrupt, "its content lies beyond the end of the volume"};
        }
    }
    return found;
}

Bytes read_up_to(const disk::DiskSource& disk, std::uint64_t offset, std::size_t length) {
    if (offset >= disk.size_bytes()) return {};
    Bytes bytes(
        static_cast<std::size_t>(std::min<std::uint64_t>(length, disk.size_bytes() - offset)));
    disk.read(offset, bytes);
    return bytes;
}

}  // namespace entrepot::guest
