// Layout: fs/ext4/ext4_extents.h of Linux.
#include "storage/guest/ext_extents.h"

#include "storage/guest_model/limits.h"

#include "base/check.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::guest {
namespace {

constexpr std::uint16_t kNodeMagic = 0xF30A;
constexpr std::size_t kNodeEntryBytes = 12;
constexpr std::uint16_t kDepthMax = 5;
// Longer by this much: promised to the file and not written.
constexpr std::uint32_t kWrittenBlocksMax = 32768;
constexpr std::uint64_t kFileBlocksMax = std::uint64_t{1} << 32U;

[[noreturn]] void fail(const std::string& what) {
    throw Error{ErrorCode::corrupt, fmt::format("the list of its blocks is damaged: {}", what)};
}

class ExtentTree {
public:
    ExtentTree(const disk::DiskSource& volume, const BlockGeometry& geometry)
        : volume_(volume), geometry_(geometry) {}

    std::vector<FileExtent> read(ByteView root) {
        read_node(root, read_header(root).depth, 0, kFileBlocksMax);
        return std::move(extents_);
    }

private:
    struct Header {
        std::size_t count = 0;
        std::uint16_t depth = 0;
    };

    static Header read_header(ByteView node) {
        LittleEndianReader in{node};
        if (in.u16() != kNodeMagic) fail("a block of it is of something else");
        Header header;
        header.count = in.u16();
        const std::size_t room = in.u16();
        header.depth = in.u16();
        if (header.depth > kDepthMax) fail("it is too deep");
        if (header.count > room || room > node.size() / kNodeEntryBytes - 1) fail("it has no room");
        return header;
    }

    // All below a node lies in [first, end) of the file, as its parent says.
    void read_node(ByteView node, std::uint16_t depth, std::uint64_t first, std::uint64_t end) {
        const Header header = read_header(node);
        if (header.depth != depth) fail("a block of it has another depth");
        if (depth > 0 && header.count == 0) fail("a block of it leads nowhere");
        LittleEndianReader in{node.subspan(kNodeEntryBytes, header.count * kNodeEntryBytes)};
        if (depth == 0) {
            for (std::size_t i = 0; i < header.count; ++i)
                add_extent(in, first, end);
        } else {
            read_children(in, header, first, end);
        }
    }

    void read_children(LittleEndianReader in, const Header& header, std::uint64_t first,
                       std::uint64_t end) {
        struct Child {
            std::uint64_t first = 0;
            std::uint64_t block = 0;
        };
        std::vector<Child> children(header.count);
        for (Child& child : children) {
            child.first = in.u32();
            child.block = in.u32();
            child.block |= std::uint64_t{in.u16()} << 32U;
            in.skip(2);
            if (child.first < first || child.first >= end) fail("its order is wrong");
            first = child.first + 1;
        }
        for (std::size_t i = 0; i < children.size(); ++i) {
            const std::uint64_t child_end = i + 1 < children.size() ? children[i + 1].first : end;
            read_node(read_block(children[i].block), static_cast<std::uint16_t>(header.depth - 1),
                      children[i].first, child_end);
        }
    }

    Bytes read_block(std::uint64_t block) {
        if (++nodes_read_ > limits::kExtentNodesMax) {
            throw Error{ErrorCode::limit, "it lies in too many pieces"};
        }
        if (!lies_in_volume(block, 1)) fail("a block of it lies beyond the end of the volume");
        Bytes node(geometry_.block_bytes);
        volume_.read(block * geometry_.block_bytes, node);
        return node;
    }

    void add_extent(LittleEndianReader& in, std::uint64_t first, std::uint64_t end) {
        FileExtent extent;
        extent.first_block = in.u32();
        const std::uint32_t length = in.u16();
        extent.volume_block = std::uint64_t{in.u16()} << 32U;
        extent.volume_block |= in.u32();
        const bool is_written = length <= kWrittenBlocksMax;
        extent.block_count = is_written ? length : length - kWrittenBlocksMax;
        if (length == 0) fail("a piece has no blocks");
        if (extent.first_block < std::max(first, next_block_) || extent.first_block >= end ||
            extent.block_count > end - extent.first_block) {
            fail("its order is wrong");
        }
        if (!lies_in_volume(extent.volume_block, extent.block_count)) {
            fail("blocks of the file lie beyond the end of the volume");
        }
        next_block_ = extent.first_block + extent.block_count;
        if (!is_written) return;
        if (extents_.size() == limits::kRunsMax) {
            throw Error{ErrorCode::limit, "it lies in too many pieces"};
        }
        extents_.push_back(extent);
    }

    bool lies_in_volume(std::uint64_t block, std::uint64_t count) const {
        const std::uint64_t volume_blocks =
            std::min(geometry_.block_count, volume_.size_bytes() / geometry_.block_bytes);
        return block < volume_blocks && count <= volume_blocks - block;
    }

    const disk::DiskSource& volume_;
    const BlockGeometry geometry_;
    std::vector<FileExtent> extents_;
    std::uint64_t next_block_ = 0;  ///< Behind the last extent, in the file.
    std::size_t nodes_read_ = 0;
};

}  // namespace

std::vector<FileExtent> read_extents(const disk::DiskSource& volume, const BlockGeometry& geometry,
                                     ByteView root) {
    ENTREPOT_CHECK(geometry.block_bytes > 0 && root.size() > kNodeEntryBytes);
    return ExtentTree{volume, geometry}.read(root);
}

}  // namespace entrepot::guest
