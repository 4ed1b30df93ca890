// A log for XfsForge, by hand: one record of operations, with a checksum that is right. Follows
// "XFS Algorithms & Data Structures", chapter 14; items: Linux, fs/xfs/libxfs/xfs_log_format.h.
#pragma once

#include "storage/disk/big_endian.h"
#include "tests/support/xfs_forge.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/little_endian.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace entrepot::test {

class XfsLogForge {
public:
    static constexpr std::size_t kLogBlock = 512;
    static constexpr std::size_t kContentBytesMax =
        XfsForge::kLogBlocks * XfsForge::kBlock - 2 * kLogBlock;
    static constexpr std::uint32_t kRound = 5;

    void operation(std::uint32_t transaction, unsigned flags, ByteView region) {
        disk::BigEndianWriter head;
        head.u32(transaction).u32(static_cast<std::uint32_t>(region.size())).u8(0x69);
        head.u8(static_cast<std::uint8_t>(flags)).u16(0);
        append(head.take());
        append(region);
        ++count_;
    }

    void start(std::uint32_t transaction) {
        operation(transaction, 1, {});
        LittleEndianWriter head;
        head.u32(0x5452414E).u32(0).u32(transaction).u32(1);
        operation(transaction, 0, head.data());
    }
    void end(std::uint32_t transaction) { operation(transaction, 2, {}); }
    void item(std::uint32_t transaction, const std::vector<Bytes>& regions) {
        for (const Bytes& region : regions)
            operation(transaction, 0, region);
    }

    /// The file is this long, and has these extents.
    static std::vector<Bytes> inode_item(std::uint64_t number, unsigned mode, std::uint64_t size,
                                         const std::vector<XfsForgeExtent>& extents) {
        LittleEndianWriter format;
        format.u16(0x123B).u16(3).u32(0x5).u16(0);
        format.u16(static_cast<std::uint16_t>(16 * extents.size())).u32(0).u64(number).zeros(16);
        format.u64(number).u32(32).u32(0);
        LittleEndianWriter core;
        core.u16(0x494E).u16(static_cast<std::uint16_t>(mode)).u8(3).u8(2).zeros(10).u32(1);
        core.zeros(20).u32(1'800'000'000).u32(0).zeros(8).u64(size).u64(64).u32(0);
        core.u32(static_cast<std::uint32_t>(extents.size())).zeros(12).u32(7).u32(0xFFFFFFFF);
        core.zeros(20).zeros(32).u64(number).bytes(Bytes(16, std::byte{0x42}));
        return {format.data(), core.data(), XfsForge::extent_list(extents)};
    }

    /// The first 128 bytes of a block, or of several.
    static std::vector<Bytes> buffer_item(std::uint64_t block, unsigned type, unsigned flags,
                                          ByteView content) {
        LittleEndianWriter format;
        format.u16(0x123C).u16(content.empty() ? 1 : 2);
        format.u16(static_cast<std::uint16_t>(type << 11U | flags)).u16(2);
        format.u64(block * XfsForge::kBlock / 512).u32(1);
        format.u32(content.empty() ? 0 : (1U << content.size() / 128) - 1);
        if (content.empty()) return {format.data()};
        return {format.data(), Bytes{content.begin(), content.end()}};
    }

    /// Something that is begun, or ended, for a file.
    static std::vector<Bytes> intent_item(std::uint64_t id, std::uint64_t inode) {
        LittleEndianWriter format;
        format.u16(0x1244).u16(1).u32(1).u64(id).u64(inode).zeros(24);
        return {format.data()};
    }
    static std::vector<Bytes> done_item(std::uint64_t id) {
        LittleEndianWriter format;
        format.u16(0x1245).u16(1).u32(0).u64(id);
        return {format.data()};
    }

    /// Where the record lies in the image, whose log is this record alone then.
    static std::size_t offset() { return XfsForge::kLogBlock * XfsForge::kBlock; }
    void put(XfsForge& forge) const {
        Bytes content = content_;
        content.resize(
            std::min(kContentBytesMax, (content.size() + kLogBlock - 1) / kLogBlock * kLogBlock));
        disk::BigEndianWriter head;
        head.u32(0xFEEDBABE).u32(kRound).u32(2).u32(static_cast<std::uint32_t>(content.size()));
        head.u64(std::uint64_t{kRound} << 32U).u64(std::uint64_t{kRound} << 32U);
        head.u32(0).u32(0).u32(count_);
        for (std::size_t i = 0; i < 64; ++i) {
            const std::size_t at = i * kLogBlock;
            head.bytes(at < content.size() ? ByteView{content}.subspan(at, 4) : ByteView{Bytes(4)});
        }
        head.u32(1).bytes(Bytes(16, std::byte{0x42})).u32(32 * 1024);
        Bytes record = head.take();
        record.resize(kLogBlock);
        for (std::size_t at = 0; at < content.size(); at += kLogBlock) {
            disk::BigEndianWriter round;
            std::ranges::copy(round.u32(kRound).take(),
                              content.begin() + static_cast<std::ptrdiff_t>(at));
        }
        store_u32(record, 32, crc32c(content, crc32c(ByteView{record}.first(328))));
        record.insert(record.end(), content.begin(), content.end());
        forge.put(offset(), record);
    }

private:
    void append(ByteView bytes) { content_.insert(content_.end(), bytes.begin(), bytes.end()); }

    Bytes content_;
    std::uint32_t count_ = 0;
};

}  // namespace entrepot::test
