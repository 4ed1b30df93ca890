// As Linux does it, but that folders keep their blocks, and bitmaps of blocks stay as they are:
// nobody asks them here.
#include "storage/guest/ext_fast_replay.h"

#include "storage/guest/ext_block_map.h"
#include "storage/guest/ext_extents.h"
#include "storage/guest_model/limits.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <algorithm>
#include <set>
#include <utility>

namespace entrepot::guest {
namespace {

constexpr std::size_t kLinksOffset = 0x1A;
constexpr std::size_t kFlagsOffset = 0x20;
constexpr std::size_t kBlocksOffset = 0x28;
constexpr std::size_t kGenerationOffset = 0x64;
constexpr std::uint32_t kHasExtents = 0x80000;
constexpr std::uint16_t kTypeMask = 0xF000;
constexpr std::uint16_t kFolder = 0x4000;
constexpr std::uint16_t kRootMagic = 0xF30A;
constexpr std::uint16_t kRootExtentsMax = 4;
constexpr std::uint32_t kExtentBlocksMax = 32768;

std::uint16_t load_u16(ByteView bytes, std::size_t offset) {
    return LittleEndianReader{bytes.subspan(offset)}.u16();
}

/// Pieces of a file by where they begin in it.
class Pieces {
public:
    explicit Pieces(const std::vector<FileExtent>& extents) {
        for (const FileExtent& extent : extents)
            pieces_.emplace(extent.first_block, extent);
    }

    void cut(std::uint64_t first, std::uint64_t count) {
        const std::uint64_t end = first + count;
        auto piece = pieces_.lower_bound(first);
        if (piece != pieces_.begin()) --piece;
        while (piece != pieces_.end() && piece->second.first_block < end) {
            const FileExtent old = piece->second;
            const std::uint64_t old_end = old.first_block + old.block_count;
            if (old_end <= first) {
                ++piece;
                continue;
            }
            piece = pieces_.erase(piece);
            if (old.first_block < first) {
                pieces_.emplace(
                    old.first_block,
                    FileExtent{old.first_block, first - old.first_block, old.volume_block});
            }
            if (old_end > end) {
                pieces_.emplace(end, FileExtent{end, old_end - end,
                                                old.volume_block + (end - old.first_block)});
            }
        }
    }

    void put(const FileExtent& extent) {
        cut(extent.first_block, extent.block_count);
        pieces_.emplace(extent.first_block, extent);
        if (pieces_.size() > limits::kRunsMax) {
            throw Error{ErrorCode::limit, "it lies in too many pieces"};
        }
    }

    std::vector<FileExtent> list() const {
        std::vector<FileExtent> extents;
        for (const auto& [first, extent] : pieces_)
            extents.push_back(extent);
        return extents;
    }

private:
    std::map<std::uint64_t, FileExtent> pieces_;
};

class FastReplayer {
public:
    FastReplayer(SectorOverlay& volume, const ExtGeometry& geometry)
        : volume_(volume), geometry_(geometry) {}

    ExtFastChanges run(const std::vector<FastChange>& changes) {
        for (const FastChange& change : changes)
            take(change);
        for (auto& [inode, pieces] : pieces_)
            put_extents(inode, pieces.list());
        return std::move(found_);
    }

private:
    void take(const FastChange& change) {
        switch (change.kind) {
            case FastChangeKind::inode:
                return put_inode(change);
            case FastChangeKind::blocks:
            case FastChangeKind::no_blocks:
                return put_range(change);
            case FastChangeKind::name_added:
            case FastChangeKind::name_removed:
                found_.folders[change.folder][change.name].push_back(
                    {change.inode, change.kind == FastChangeKind::name_added});
        }
    }

    Bytes read_inode(std::uint32_t number) const {
        Bytes inode(geometry_.inode_bytes);
        volume_.read(find_ext_inode(volume_, geometry_, number), inode);
        return inode;
    }

    // What the record leaves out are the blocks: they stay, unless it is another file's by now.
    void put_inode(const FastChange& change) {
        Bytes inode = read_inode(change.inode);
        const Bytes& record = change.record;
        if (record.size() > inode.size()) {
            throw Error{ErrorCode::corrupt, "a fast commit has an inode that is too long"};
        }
        const bool is_other =
            load_u32(inode, kGenerationOffset) != load_u32(record, kGenerationOffset) ||
            load_u16(inode, kLinksOffset) == 0;
        const bool has_extents = (load_u32(record, kFlagsOffset) & kHasExtents) != 0;
        std::copy_n(record.begin(), kBlocksOffset, inode.begin());
        std::copy(record.begin() + kGenerationOffset, record.end(),
                  inode.begin() + kGenerationOffset);
        const MutableByteView blocks = MutableByteView{inode}.subspan(kBlocksOffset, kExtMapBytes);
        if (!has_extents) {
            // A short link, or a device.
            std::copy_n(record.begin() + kBlocksOffset, kExtMapBytes, blocks.begin());
        } else if (is_other || load_u16(blocks, 0) != kRootMagic) {
            std::ranges::copy(make_root({}), blocks.begin());
        }
        volume_.write(find_ext_inode(volume_, geometry_, change.inode), inode);
        if (is_other) pieces_.erase(change.inode);
        if ((load_u16(record, 0) & kTypeMask) == kFolder) found_.folders[change.inode];
        if (load_u16(record, kLinksOffset) != 0) mark_used(change.inode);
    }

    void mark_used(std::uint32_t number) {
        const std::uint64_t place = find_ext_inode_bit(volume_, geometry_, number);
        Bytes byte(1);
        volume_.read(place / 8, byte);
        byte[0] |= std::byte{1} << static_cast<int>(place % 8);
        volume_.write(place / 8, byte);
    }

    void put_range(const FastChange& change) {
        const std::uint64_t blocks = volume_.size_bytes() / geometry_.block_bytes;
        if (change.volume_block > blocks || change.block_count > blocks - change.volume_block) {
            if (change.kind == FastChangeKind::blocks) {
                throw Error{ErrorCode::corrupt, "a fast commit has blocks beyond the volume's end"};
            }
        }
        Pieces& pieces = pieces_of(change.inode);
        if (change.kind == FastChangeKind::blocks && change.is_written && change.block_count > 0) {
            pieces.put({change.first_block, change.block_count, change.volume_block});
        } else {
            pieces.cut(change.first_block, change.block_count);
        }
    }

    Pieces& pieces_of(std::uint32_t number) {
        const auto found = pieces_.find(number);
        if (found != pieces_.end()) return found->second;
        const Bytes inode = read_inode(number);
        if ((load_u32(inode, kFlagsOffset) & kHasExtents) == 0) {
            throw Error{ErrorCode::unsupported, "a fast commit is of a file without extents"};
        }
        const ByteView root = ByteView{inode}.subspan(kBlocksOffset, kExtMapBytes);
        const auto extents = read_extents(volume_, geometry_.blocks(), root);
        if (extents.size() > limits::kExtFastRunsMax - runs_held_) {
            throw Error{ErrorCode::limit, "fast commits change files in too many pieces"};
        }
        runs_held_ += extents.size();
        return pieces_.emplace(number, extents).first->second;
    }

    static Bytes make_root(const std::vector<FileExtent>& extents) {
        LittleEndianWriter out;
        out.u16(kRootMagic).u16(static_cast<std::uint16_t>(extents.size())).u16(kRootExtentsMax);
        out.zeros(6);
        for (const FileExtent& extent : extents) {
            out.u32(static_cast<std::uint32_t>(extent.first_block));
            out.u16(static_cast<std::uint16_t>(extent.block_count));
            out.u16(static_cast<std::uint16_t>(extent.volume_block >> 32U));
            out.u32(static_cast<std::uint32_t>(extent.volume_block));
        }
        Bytes root = out.take();
        root.resize(kExtMapBytes);
        return root;
    }

    void put_extents(std::uint32_t number, std::vector<FileExtent> extents) {
        // The blocks that a folder got are written with the next whole transaction.
        if (found_.folders.contains(number)) return;
        const bool has_room = extents.size() <= kRootExtentsMax &&
                              std::ranges::all_of(extents, [](const FileExtent& extent) {
                                  return extent.block_count <= kExtentBlocksMax;
                              });
        if (!has_room) {
            found_.extents[number] = std::move(extents);
            return;
        }
        volume_.write(find_ext_inode(volume_, geometry_, number) + kBlocksOffset,
                      make_root(extents));
    }

    SectorOverlay& volume_;
    const ExtGeometry geometry_;
    std::map<std::uint32_t, Pieces> pieces_;
    std::size_t runs_held_ = 0;
    ExtFastChanges found_;
};

}  // namespace

std::optional<std::uint32_t> ExtFastChanges::follow(const std::vector<FastName>& steps,
                                                    std::optional<std::uint32_t> inode) {
    for (const FastName& step : steps) {
        if (step.is_added && !inode) inode = step.inode;
        if (!step.is_added && inode == step.inode) inode.reset();
    }
    return inode;
}

ExtFastChanges replay_fast_commits(SectorOverlay& volume, const ExtGeometry& geometry,
                                   const std::vector<FastChange>& changes) {
    return FastReplayer{volume, geometry}.run(changes);
}

}  // namespace entrepot::guest
