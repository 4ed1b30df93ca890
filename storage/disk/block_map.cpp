// See block_map.h.
#include "storage/disk/block_map.h"

#include "base/check.h"
#include "base/error.h"

#include <algorithm>

namespace entrepot::disk {

BlockMap::BlockMap(const DiskSource& source, std::uint64_t block_bytes, const std::stop_token& stop)
    : block_bytes_(block_bytes),
      has_data_(source.size_bytes() / block_bytes +
                (source.size_bytes() % block_bytes == 0 ? 0 : 1)) {
    const std::uint64_t size = source.size_bytes();
    for (std::uint64_t offset = 0; offset < size;) {
        if (stop.stop_requested()) throw Error{ErrorCode::cancelled, "cancelled"};
        const DiskExtent extent = source.extent_at(offset, size - offset);
        const bool is_zero = extent.kind == ExtentKind::zero || extent.kind == ExtentKind::unmapped;
        const std::uint64_t last = (offset + extent.length - 1) / block_bytes;
        for (std::uint64_t block = offset / block_bytes; !is_zero && block <= last; ++block) {
            if (has_data_[block]) continue;
            has_data_[block] = true;
            ++data_count_;
        }
        offset += extent.length;
    }
}

std::uint64_t BlockMap::find_data(std::uint64_t block) const {
    const auto begin = has_data_.begin() + static_cast<std::ptrdiff_t>(block);
    return static_cast<std::uint64_t>(std::find(begin, has_data_.end(), true) - has_data_.begin());
}

Bytes BlockContent::read(std::uint64_t offset, std::size_t length) {
    Bytes content(length);
    for (std::size_t done = 0; done < length;) {
        const std::uint64_t at = offset + done;
        for (; ordinal_ < at / map_.block_bytes(); ++ordinal_)
            block_ = map_.find_data(block_ + 1);
        ENTREPOT_CHECK(ordinal_ == at / map_.block_bytes() && block_ < map_.block_count());
        const std::uint64_t in_block = at % map_.block_bytes();
        const std::size_t taken =
            std::min<std::uint64_t>(map_.block_bytes() - in_block, length - done);
        const std::uint64_t on_disk = block_ * map_.block_bytes() + in_block;
        const std::uint64_t size = source_.size_bytes();
        const std::size_t inside =
            on_disk < size ? std::min<std::uint64_t>(taken, size - on_disk) : 0;
        if (inside > 0) source_.read(on_disk, MutableByteView{content}.subspan(done, inside));
        done += taken;
    }
    return content;
}

}  // namespace entrepot::disk
