// Each level of a tree lies in blocks of its own, one lower than its parent: nothing goes round.
#include "storage/guest/xfs_extents.h"

#include "storage/disk/big_endian.h"
#include "storage/guest_model/limits.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace entrepot::guest {
namespace {

constexpr std::size_t kExtentBytes = 16;
constexpr std::size_t kKeyBytes = 8;
constexpr std::size_t kPointerBytes = 8;
constexpr std::size_t kRootHeadBytes = 4;
constexpr unsigned kFirstBlockBits = 54;
constexpr unsigned kCountBits = 21;
constexpr std::uint16_t kLevelMax = 9;

constexpr std::uint32_t kNodeMagic = 0x424D4150;            // "BMAP"
constexpr std::uint32_t kNodeMagicOfVersion5 = 0x424D4133;  // "BMA3"
constexpr std::size_t kNodeHeadBytes = 24;
constexpr std::size_t kNodeHeadBytesOfVersion5 = 72;
constexpr XfsBlockFields kNodeFields{64, 24, 40, 56};

[[noreturn]] void fail(const char* what) {
    throw Error{ErrorCode::corrupt, fmt::format("the list of its blocks is damaged: {}", what)};
}

[[noreturn]] void refuse_pieces() {
    throw Error{ErrorCode::limit, "it lies in too many pieces"};
}

class ForkReader {
public:
    ForkReader(const XfsVolume& volume, const XfsInode& inode)
        : volume_(volume),
          inode_(inode),
          end_(static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) /
               volume.geometry().block_bytes) {}

    XfsExtents read() {
        if (inode_.extent_count > limits::kRunsMax) refuse_pieces();
        if (inode_.fork == XfsFork::extents) {
            const auto count = static_cast<std::size_t>(inode_.extent_count);
            if (count > inode_.fork_bytes.size() / kExtentBytes) fail("it has no room");
            read_extents(ByteView{inode_.fork_bytes}.first(count * kExtentBytes), 0, end_);
        } else {
            read_root();
        }
        if (extent_count_ != inode_.extent_count) fail("it has more or fewer pieces than are told");
        if (blocks_ > inode_.block_count) fail("it has more blocks than are told");
        return std::move(extents_);
    }

private:
    void read_root() {
        const ByteView root{inode_.fork_bytes};
        disk::BigEndianReader in{root};
        const std::uint16_t level = in.u16();
        const std::size_t count = in.u16();
        const std::size_t room = (root.size() - kRootHeadBytes) / (kKeyBytes + kPointerBytes);
        if (level == 0 || level > kLevelMax) fail("its depth");
        read_children(root.subspan(kRootHeadBytes), level, count, room, 0, end_);
    }

    // Keys stand before pointers, with room for as many as fit.
    void read_children(ByteView entries, std::uint16_t level, std::size_t count, std::size_t room,
                       std::uint64_t first, std::uint64_t end) {
        if (count == 0 || count > room) fail("a block of it leads nowhere");
        disk::BigEndianReader keys{entries.first(count * kKeyBytes)};
        disk::BigEndianReader pointers{entries.subspan(room * kKeyBytes, count * kPointerBytes)};
        std::uint64_t key = keys.u64();
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint64_t next = i + 1 < count ? keys.u64() : end;
            if (key < first || next <= key || next > end) fail("its order is wrong");
            read_node(pointers.u64(), static_cast<std::uint16_t>(level - 1), key, next);
            first = next;
            key = next;
        }
    }

    // All below a node lies in [first, end) of the file, as its parent says.
    void read_node(std::uint64_t number, std::uint16_t level, std::uint64_t first,
                   std::uint64_t end) {
        if (++nodes_read_ > limits::kExtentNodesMax) refuse_pieces();
        const auto block = volume_.find_blocks(number, 1);
        if (!block) fail("a block of it lies beyond the end of the volume");
        const Bytes node = volume_.read_blocks(*block, 1);
        ++blocks_;
        const bool is_new = volume_.geometry().has_checksums;
        disk::BigEndianReader in{node};
        if (in.u32() != (is_new ? kNodeMagicOfVersion5 : kNodeMagic)) {
            fail("a block of it is of something else");
        }
        volume_.check_metadata(node, kNodeFields, *block, inode_.number, "the list of its blocks");
        if (in.u16() != level) fail("a block of it has another depth");
        const std::size_t count = in.u16();
        const ByteView entries =
            ByteView{node}.subspan(is_new ? kNodeHeadBytesOfVersion5 : kNodeHeadBytes);
        const std::size_t room = entries.size() / kExtentBytes;
        if (level > 0) return read_children(entries, level, count, room, first, end);
        if (count > room) fail("it has no room");
        read_extents(entries.first(count * kExtentBytes), first, end);
    }

    void read_extents(ByteView records, std::uint64_t first, std::uint64_t end) {
        disk::BigEndianReader in{records};
        for (std::size_t i = 0; i < records.size() / kExtentBytes; ++i) {
            const std::uint64_t high = in.u64();
            add_extent(high, in.u64(), first, end);
        }
    }

    // A bit that says "unwritten", 54 bits of the file's block, 52 of the volume's, 21 of a count.
    void add_extent(std::uint64_t high, std::uint64_t low, std::uint64_t first, std::uint64_t end) {
        constexpr unsigned kHighBits = 63 - kFirstBlockBits;
        constexpr unsigned kLowBits = 64 - kCountBits;
        const bool is_unwritten = high >> 63U != 0;
        FileExtent extent;
        extent.first_block = high >> kHighBits & ((1ULL << kFirstBlockBits) - 1);
        extent.block_count = low & ((1ULL << kCountBits) - 1);
        const std::uint64_t number =
            (high & ((1ULL << kHighBits) - 1)) << kLowBits | low >> kCountBits;
        if (extent.block_count == 0) fail("a piece has no blocks");
        if (extent.first_block < std::max(first, next_block_) || extent.first_block >= end ||
            extent.block_count > end - extent.first_block) {
            fail("its order is wrong");
        }
        const auto block = volume_.find_blocks(number, extent.block_count);
        if (!block) fail("blocks of the file lie beyond the end of the volume");
        extent.volume_block = *block;
        next_block_ = extent.first_block + extent.block_count;
        blocks_ += extent.block_count;
        if (++extent_count_ > limits::kRunsMax) refuse_pieces();
        if (is_unwritten) {
            extents_.has_unwritten = true;
        } else {
            extents_.written.push_back(extent);
        }
    }

    const XfsVolume& volume_;
    const XfsInode& inode_;
    const std::uint64_t end_;  ///< No file has blocks from here on.
    XfsExtents extents_;
    std::uint64_t next_block_ = 0;  ///< Behind the last extent, in the file.
    std::uint64_t extent_count_ = 0;
    std::uint64_t blocks_ = 0;
    std::size_t nodes_read_ = 0;
};

}  // namespace

XfsExtents read_xfs_extents(const XfsVolume& volume, const XfsInode& inode) {
    ENTREPOT_CHECK(inode.fork == XfsFork::extents || inode.fork == XfsFork::tree);
    return ForkReader{volume, inode}.read();
}

}  // namespace entrepot::guest
