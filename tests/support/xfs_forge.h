// A small XFS built by hand, and changed by hand: what no mkfs and no kernel writes, with checksums
// that are right all the same. Follows "XFS Algorithms & Data Structures".
#pragma once

#include "storage/disk/big_endian.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/little_endian.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::test {

struct XfsForgeExtent {
    std::uint64_t first_block = 0;
    std::uint64_t volume_block = 0;
    std::uint64_t block_count = 1;
    bool is_unwritten = false;
};

struct XfsForgeName {
    std::string name;
    std::uint64_t inode = 0;
    unsigned file_type = 1;
};

/// Two groups of 64 blocks of 1 KiB, inodes of 512 bytes, two in a block.
class XfsForge {
public:
    static constexpr std::size_t kBlock = 1024;
    static constexpr std::size_t kGroupBlocks = 64;
    static constexpr std::size_t kBlocks = 2 * kGroupBlocks;
    static constexpr std::size_t kInode = 512;
    static constexpr std::uint64_t kRoot = 16;
    static constexpr std::uint64_t kLogBlock = 100;
    static constexpr std::size_t kLogBlocks = 16;

    enum Form : std::uint8_t { device = 0, local = 1, extents = 2, tree = 3 };

    explicit XfsForge(unsigned version) : version_(version), bytes_(kBlocks * kBlock) {
        put_superblock();
    }

    bool has_checksums() const { return version_ == 5; }
    Bytes& bytes() { return bytes_; }
    static std::size_t inode_offset(std::uint64_t number) { return number * kInode; }
    static std::size_t block_offset(std::uint64_t block) { return block * kBlock; }
    /// Where an inode's content begins.
    std::size_t fork_offset(std::uint64_t number) const {
        return inode_offset(number) + (has_checksums() ? 176 : 100);
    }

    void put_inode(std::uint64_t number, unsigned mode, Form form, std::uint64_t size,
                   std::size_t extent_count, ByteView fork, std::uint64_t block_count = 64) {
        disk::BigEndianWriter out;
        out.u16(0x494E).u16(static_cast<std::uint16_t>(mode)).u8(has_checksums() ? 3 : 2);
        out.u8(form).zeros(10).u32(1).zeros(20);
        out.u32(1'700'000'000).u32(0).zeros(8).u64(size).u64(block_count).u32(0);
        out.u32(static_cast<std::uint32_t>(extent_count)).zeros(12).u32(7).u32(0xFFFFFFFF);
        if (has_checksums()) out.zeros(52).u64(number).bytes(kUuid);
        put(inode_offset(number), out.take());
        put(fork_offset(number), fork);
        if (has_checksums()) seals_.push_back({inode_offset(number), kInode, 100});
    }

    static Bytes extent_list(const std::vector<XfsForgeExtent>& extents) {
        disk::BigEndianWriter out;
        for (const XfsForgeExtent& extent : extents) {
            const std::uint64_t flag = extent.is_unwritten ? 1ULL << 63U : 0;
            out.u64(flag | extent.first_block << 9U | extent.volume_block >> 43U);
            out.u64(extent.volume_block << 21U | extent.block_count);
        }
        return out.take();
    }

    /// The root of a tree in an inode, with keys and the blocks below.
    Bytes tree_root(unsigned level, const std::vector<std::uint64_t>& keys,
                    const std::vector<std::uint64_t>& blocks) const {
        const std::size_t room = (kInode - (has_checksums() ? 176 : 100) - 4) / 16;
        disk::BigEndianWriter out;
        out.u16(static_cast<std::uint16_t>(level)).u16(static_cast<std::uint16_t>(keys.size()));
        put_keys(out, room, keys, blocks);
        return out.take();
    }

    void put_tree_leaf(std::uint64_t block, std::uint64_t owner,
                       const std::vector<XfsForgeExtent>& extents) {
        put_tree_block(block, owner, 0, extents.size(), extent_list(extents));
    }

    void put_tree_node(std::uint64_t block, std::uint64_t owner, unsigned level,
                       const std::vector<std::uint64_t>& keys,
                       const std::vector<std::uint64_t>& blocks) {
        disk::BigEndianWriter out;
        put_keys(out, (kBlock - (has_checksums() ? 72 : 24)) / 16, keys, blocks);
        put_tree_block(block, owner, level, keys.size(), out.take());
    }

    static Bytes short_folder(std::uint64_t parent, const std::vector<XfsForgeName>& names) {
        disk::BigEndianWriter out;
        out.u8(static_cast<std::uint8_t>(names.size())).u8(0);
        out.u32(static_cast<std::uint32_t>(parent));
        for (const XfsForgeName& one : names) {
            out.u8(static_cast<std::uint8_t>(one.name.size())).u16(96).bytes(as_bytes(one.name));
            out.u8(static_cast<std::uint8_t>(one.file_type));
            out.u32(static_cast<std::uint32_t>(one.inode));
        }
        return out.take();
    }

    /// A folder that is this block alone, or one of several.
    void put_folder_block(std::uint64_t block, std::uint64_t owner, bool is_single,
                          const std::vector<XfsForgeName>& names) {
        disk::BigEndianWriter out;
        if (has_checksums()) {
            out.bytes(as_bytes(is_single ? "XDB3" : "XDD3")).u32(0).u64(block * kBlock / 512);
            out.u64(0).bytes(kUuid).u64(owner).zeros(16);
        } else {
            out.bytes(as_bytes(is_single ? "XD2B" : "XD2D")).zeros(12);
        }
        for (const XfsForgeName& one : names) {
            const std::size_t at = out.size();
            out.u64(one.inode).u8(static_cast<std::uint8_t>(one.name.size()));
            out.bytes(as_bytes(one.name)).u8(static_cast<std::uint8_t>(one.file_type));
            out.zeros((8 - (out.size() + 2) % 8) % 8).u16(static_cast<std::uint16_t>(at));
        }
        const std::size_t end = is_single ? kBlock - 8 - 8 * names.size() : kBlock;
        const std::size_t gap = end - out.size();
        if (gap >= 8) {
            const std::size_t at = out.size();
            out.u16(0xFFFF).u16(static_cast<std::uint16_t>(gap)).zeros(gap - 6);
            out.u16(static_cast<std::uint16_t>(at));
        }
        if (is_single) {
            out.zeros(8 * names.size()).u32(static_cast<std::uint32_t>(names.size())).u32(0);
        }
        put(block_offset(block), out.take());
        if (has_checksums()) seals_.push_back({block_offset(block), kBlock, 4});
    }

    void put_link_block(std::uint64_t block, std::uint64_t owner, std::string_view target) {
        disk::BigEndianWriter out;
        if (has_checksums()) {
            out.bytes(as_bytes("XSLM")).u32(0).u32(static_cast<std::uint32_t>(target.size()));
            out.u32(0).bytes(kUuid).u64(owner).u64(block * kBlock / 512).u64(0);
            seals_.push_back({block_offset(block), kBlock, 12});
        }
        out.bytes(as_bytes(target));
        put(block_offset(block), out.take());
    }

    void put(std::size_t offset, ByteView content) {
        std::ranges::copy(content, bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
    }

    /// Makes the checksums right, whatever was changed.
    void seal() { seal(bytes_); }
    /// As above, in a copy.
    void seal(MutableByteView image) const {
        for (const Seal& one : seals_) {
            const auto part = image.subspan(one.offset, one.length);
            store_u32(part, one.field, crc32c_with_zeroed_field(part, one.field));
        }
    }

private:
    /// A structure, and where in it the checksum stands.
    struct Seal {
        std::size_t offset = 0;
        std::size_t length = 0;
        std::size_t field = 0;
    };

    static inline const Bytes kUuid = Bytes(16, std::byte{0x42});

    void put_superblock() {
        disk::BigEndianWriter out;
        out.bytes(as_bytes("XFSB")).u32(kBlock).u64(kBlocks).zeros(16).bytes(kUuid);
        out.u64(kLogBlock).u64(kRoot).zeros(20).u32(kGroupBlocks).u32(2).u32(0).u32(kLogBlocks);
        out.u16(static_cast<std::uint16_t>(0xB4A0 | version_)).u16(512).u16(kInode).u16(2);
        out.bytes(as_bytes("forged")).zeros(6);
        out.u8(10).u8(9).u8(9).u8(1).u8(6).zeros(67).u8(0).zeros(7);
        out.u32(has_checksums() ? 0x18A : 0x20A).zeros(12).u32(has_checksums() ? 0x1 : 0);
        put(0, out.take());
        if (has_checksums()) seals_.push_back({0, 512, 224});
    }

    static void put_keys(disk::BigEndianWriter& out, std::size_t room,
                         const std::vector<std::uint64_t>& keys,
                         const std::vector<std::uint64_t>& blocks) {
        for (const std::uint64_t key : keys)
            out.u64(key);
        out.zeros((room - keys.size()) * 8);
        for (const std::uint64_t block : blocks)
            out.u64(block);
    }

    void put_tree_block(std::uint64_t block, std::uint64_t owner, unsigned level, std::size_t count,
                        ByteView entries) {
        disk::BigEndianWriter out;
        out.bytes(as_bytes(has_checksums() ? "BMA3" : "BMAP"));
        out.u16(static_cast<std::uint16_t>(level)).u16(static_cast<std::uint16_t>(count));
        out.zeros(16);
        if (has_checksums()) {
            out.u64(block * kBlock / 512).u64(0).bytes(kUuid).u64(owner).u64(0);
            seals_.push_back({block_offset(block), kBlock, 64});
        }
        out.bytes(entries);
        put(block_offset(block), out.take());
    }

    unsigned version_;
    Bytes bytes_;
    std::vector<Seal> seals_;
};

/// One with a file of each kind: "file" with a hole, "many" in a tree of two levels, folders
/// "single" and "several", links "link" and "far", and a pipe.
inline XfsForge forge_xfs(unsigned version) {
    using Form = XfsForge::Form;
    XfsForge forge{version};
    const auto put_kind = [&](std::uint64_t number, unsigned mode, Form form, std::uint64_t size,
                              std::size_t extent_count, ByteView fork) {
        forge.put_inode(number, mode, form, size, extent_count, fork);
    };
    put_kind(16, 0040755, Form::local, 0, 0, {});
    const Bytes root = XfsForge::short_folder(16, {{"file", 17, 1},
                                                   {"many", 18, 1},
                                                   {"single", 19, 2},
                                                   {"several", 20, 2},
                                                   {"link", 21, 7},
                                                   {"far", 22, 7},
                                                   {"pipe", 23, 5}});
    put_kind(16, 0040755, Form::local, root.size(), 0, root);
    // Block 64 is the first of the second group, which a pointer calls that, too: 1 << 6.
    put_kind(17, 0100644, Form::extents, 3500, 2,
             XfsForge::extent_list({{0, 40, 1, false}, {3, 64, 1, false}}));
    forge.put(XfsForge::block_offset(40), Bytes(1024, std::byte{'a'}));
    forge.put(XfsForge::block_offset(64), Bytes(1024, std::byte{'b'}));
    put_kind(18, 0100644, Form::tree, 6000, 4, forge.tree_root(2, {0}, {41}));
    forge.put_tree_node(41, 18, 1, {0, 4}, {42, 43});
    forge.put_tree_leaf(42, 18, {{0, 44, 1, false}, {2, 45, 1, true}});
    forge.put_tree_leaf(43, 18, {{4, 46, 1, false}, {5, 47, 1, false}});
    for (const std::size_t block : {44U, 45U, 46U, 47U})
        forge.put(XfsForge::block_offset(block), Bytes(1024, static_cast<std::byte>(block + 20)));
    put_kind(19, 0040755, Form::extents, 1024, 1, XfsForge::extent_list({{0, 50, 1, false}}));
    forge.put_folder_block(50, 19, true, {{".", 19, 2}, {"..", 16, 2}, {"small", 24, 1}});
    put_kind(20, 0040755, Form::extents, 3072, 2,
             XfsForge::extent_list({{0, 51, 1, false}, {2, 52, 1, false}}));
    forge.put_folder_block(51, 20, false, {{".", 20, 2}, {"..", 16, 2}, {"first", 25, 1}});
    forge.put_folder_block(52, 20, false, {{"second", 26, 1}});
    put_kind(21, 0120777, Form::local, 6, 0, as_bytes("../sub"));
    const std::string target(600, 't');
    put_kind(22, 0120777, Form::extents, target.size(), 1,
             XfsForge::extent_list({{0, 53, 1, false}}));
    forge.put_link_block(53, 22, target);
    put_kind(23, 0010644, Form::device, 0, 0, {});
    for (const std::uint64_t number : {24U, 25U, 26U})
        put_kind(number, 0100644, Form::extents, 0, 0, {});
    forge.seal();
    return forge;
}

}  // namespace entrepot::test
