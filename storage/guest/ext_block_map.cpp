// Twelve blocks, then one of blocks, one of such blocks, and one of those.
#include "storage/guest/ext_block_map.h"

#include "storage/guest_model/limits.h"

#include "base/check.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <algorithm>
#include <utility>

namespace entrepot::guest {
namespace {

constexpr std::uint64_t kDirectBlocks = 12;
constexpr unsigned kLevels = 3;
constexpr std::size_t kNumberBytes = 4;

class BlockMap {
public:
    BlockMap(const disk::DiskSource& volume, const BlockGeometry& geometry, std::uint64_t count)
        : volume_(volume), geometry_(geometry), count_(count) {}

    std::vector<FileExtent> read(ByteView root) {
        LittleEndianReader in{root};
        for (std::uint64_t i = 0; i < kDirectBlocks && next_ < count_; ++i)
            add(in.u32());
        in = LittleEndianReader{root.subspan(kDirectBlocks * kNumberBytes)};
        std::uint64_t below = 1;
        for (unsigned level = 1; level <= kLevels && next_ < count_; ++level) {
            below *= geometry_.block_bytes / kNumberBytes;
            read_node(in.u32(), level, below);
        }
        return std::move(extents_);
    }

private:
    // `below`: so many blocks of the file are listed under it.
    void read_node(std::uint32_t block, unsigned level, std::uint64_t below) {
        if (level == 0) return add(block);
        if (block == 0) {
            next_ += below;
            return;
        }
        if (++nodes_read_ > limits::kExtentNodesMax) {
            throw Error{ErrorCode::limit, "it lies in too many pieces"};
        }
        check(block);
        Bytes node(geometry_.block_bytes);
        volume_.read(block * std::uint64_t{geometry_.block_bytes}, node);
        LittleEndianReader in{node};
        const std::uint64_t numbers = geometry_.block_bytes / kNumberBytes;
        for (std::uint64_t i = 0; i < numbers && next_ < count_; ++i)
            read_node(in.u32(), level - 1, below / numbers);
    }

    void add(std::uint32_t block) {
        const std::uint64_t at = next_++;
        if (block == 0) return;
        check(block);
        if (!extents_.empty()) {
            FileExtent& last = extents_.back();
            if (last.first_block + last.block_count == at &&
                last.volume_block + last.block_count == block) {
                ++last.block_count;
                return;
            }
        }
        if (extents_.size() == limits::kRunsMax) {
            throw Error{ErrorCode::limit, "it lies in too many pieces"};
        }
        extents_.push_back({at, 1, block});
    }

    void check(std::uint32_t block) const {
        if (block >= std::min(geometry_.block_count,
                              volume_.size_bytes() / std::uint64_t{geometry_.block_bytes})) {
            throw Error{ErrorCode::corrupt,
                        "the list of its blocks is damaged: blocks of the file lie beyond the end "
                        "of the volume"};
        }
    }

    const disk::DiskSource& volume_;
    const BlockGeometry geometry_;
    const std::uint64_t count_;
    std::uint64_t next_ = 0;  ///< Of the file.
    std::size_t nodes_read_ = 0;
    std::vector<FileExtent> extents_;
};

}  // namespace

std::vector<FileExtent> read_block_map(const disk::DiskSource& volume,
                                       const BlockGeometry& geometry, ByteView root,
                                       std::uint64_t count) {
    ENTREPOT_CHECK(geometry.block_bytes >= 1024 && root.size() == kExtMapBytes);
    return BlockMap{volume, geometry, count}.read(root);
}

}  // namespace entrepot::guest
