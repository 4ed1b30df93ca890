// Fast commits of ext4 by hand, with checksums that are right. Follows "ext4 Data Structures and
// Algorithms" (Linux, Documentation/filesystems/ext4), Journal, "Fast commits".
#pragma once

#include "storage/guest/ext_fast_commit.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/little_endian.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

namespace entrepot::test {

class ExtFastForge {
public:
    static constexpr std::size_t kBlock = 1024;
    static constexpr std::uint16_t kCreate = 3;
    static constexpr std::uint16_t kLink = 4;
    static constexpr std::uint16_t kUnlink = 5;

    explicit ExtFastForge(std::uint32_t sequence) : sequence_(sequence) { head(sequence); }

    void head(std::uint32_t sequence) {
        LittleEndianWriter out;
        tag(9, out.u32(0).u32(sequence).data());
    }
    void inode(std::uint32_t number, ByteView record) {
        LittleEndianWriter out;
        tag(6, out.u32(number).bytes(record).data());
    }
    void blocks(std::uint32_t inode, std::uint32_t first, unsigned length, std::uint32_t block) {
        LittleEndianWriter out;
        out.u32(inode).u32(first).u16(static_cast<std::uint16_t>(length)).u16(0).u32(block);
        tag(1, out.data());
    }
    void no_blocks(std::uint32_t inode, std::uint32_t first, std::uint32_t count) {
        LittleEndianWriter out;
        tag(2, out.u32(inode).u32(first).u32(count).data());
    }
    void name(std::uint16_t kind, std::uint32_t folder, std::uint32_t inode,
              std::string_view text) {
        LittleEndianWriter out;
        tag(kind, out.u32(folder).u32(inode).bytes(as_bytes(text)).data());
    }
    /// Ends what came before, and the block.
    void end() {
        if (room() < kTailBytes) pad();
        LittleEndianWriter out;
        out.u16(8).u16(static_cast<std::uint16_t>(room() - 4)).u32(sequence_);
        sum_ = crc32c(out.data(), sum_);
        out.u32(~sum_);
        put(out.data());
        bytes_.resize((bytes_.size() + kBlock - 1) / kBlock * kBlock);
        sum_ = kBeginning;
    }
    /// Any tag, where it has room.
    void tag(std::uint16_t kind, ByteView value) {
        if (value.size() + 4 > kBlock) return;
        if (room() < value.size() + 4) pad();
        LittleEndianWriter out;
        out.u16(kind).u16(static_cast<std::uint16_t>(value.size())).bytes(value);
        sum_ = crc32c(out.data(), sum_);
        put(out.data());
    }

    Bytes& bytes() { return bytes_; }
    std::vector<guest::FastChange> read() const {
        std::size_t next = 0;
        Bytes whole = bytes_;
        whole.resize((whole.size() + kBlock - 1) / kBlock * kBlock);
        return guest::read_fast_commits(
            [&]() -> std::optional<ByteView> {
                if (next >= whole.size()) return std::nullopt;
                next += kBlock;
                return ByteView{whole}.subspan(next - kBlock, kBlock);
            },
            sequence_);
    }

private:
    static constexpr std::uint32_t kBeginning = 0xFFFFFFFF;
    static constexpr std::size_t kTailBytes = 12;

    std::size_t room() const { return kBlock - bytes_.size() % kBlock; }
    void pad() {
        if (room() >= 4) {
            LittleEndianWriter out;
            out.u16(7).u16(static_cast<std::uint16_t>(room() - 4)).zeros(room() - 4);
            sum_ = crc32c(out.data(), sum_);
            put(out.data());
        } else {
            bytes_.resize(bytes_.size() + room());
        }
    }
    void put(ByteView bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

    const std::uint32_t sequence_;
    std::uint32_t sum_ = kBeginning;
    Bytes bytes_;
};

}  // namespace entrepot::test
