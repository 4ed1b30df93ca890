// Where a part of one file's content lies on the disk.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/guest_model/content_place.h"

#include "base/bytes.h"

#include <cstdint>
#include <vector>

namespace entrepot::guest {

class ContentMap {
public:
    ContentMap() = default;
    /// The places are those of the content from `begin` on, and lie in the disk that is read.
    ContentMap(std::uint64_t begin, std::vector<ContentPlace> places);

    bool is_empty() const { return pieces_.empty(); }
    bool covers(std::uint64_t offset, std::uint64_t length) const;
    /// Requires a range that it covers.
    void read(const disk::DiskSource& disk, std::uint64_t offset, MutableByteView target) const;

private:
    struct Piece {
        std::uint64_t end = 0;  ///< In the content.
        ContentPlace place;
    };
    std::uint64_t begin_ = 0;
    std::uint64_t end_ = 0;
    std::vector<Piece> pieces_;
};

}  // namespace entrepot::guest
