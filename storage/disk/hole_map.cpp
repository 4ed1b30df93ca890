// SEEK_DATA through File::find_data; a file system that cannot answer has no holes.
#include "storage/disk/hole_map.h"

#include "base/error.h"

#include <algorithm>
#include <limits>

namespace entrepot::disk {
namespace {

constexpr std::uint64_t kEnd = std::numeric_limits<std::int64_t>::max();

}  // namespace

/// The first data at or behind `offset`; at kEnd if only a hole follows.
FileExtent HoleMap::find_data(std::uint64_t offset) const {
    const std::lock_guard lock{mutex_};
    const std::uint64_t known_end = known_data_.offset + known_data_.length;
    if (offset >= known_from_ && offset < known_end) return known_data_;
    FileExtent data{offset, kEnd - offset};
    try {
        data = file_.find_data(offset).value_or(FileExtent{kEnd, 0});
    } catch (const Error&) {
        // Everything is data then: slower, never wrong.
    }
    known_from_ = offset;
    known_data_ = data;
    return data;
}

HoleMap::Run HoleMap::run_at(std::uint64_t offset, std::uint64_t length_max,
                             std::uint64_t granularity) const {
    std::uint64_t length = 0;
    FileExtent data = find_data(offset);
    if (data.offset > offset) {
        const std::uint64_t hole = std::min(data.offset - offset, length_max);
        length = hole / granularity * granularity;
        if (length > 0) return {true, length};
        // Data begins inside of the first unit, so the whole unit is data.
    }
    while (length < length_max) {
        const std::uint64_t at = offset + length;
        data = find_data(at);
        if (data.offset >= at + granularity) break;
        const std::uint64_t end = data.offset + data.length;
        length = (end - offset + granularity - 1) / granularity * granularity;
    }
    return {false, std::min(length, length_max)};
}

}  // namespace entrepot::disk
