// A small ext3 or ext4 with a journal by hand: transactions of any content, with checksums that are
// right. Nothing else of it is there: no folder, no bitmap. Follows "ext4 Data Structures and
// Algorithms" (Linux, Documentation/filesystems/ext4), Journal (jbd2).
#pragma once

#include "storage/disk/big_endian.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/little_endian.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace entrepot::test {

class ExtJournalForge {
public:
    enum class Sums { none, whole, short_tags, tags };
    struct Options {
        Sums sums = Sums::none;
        bool has_long_numbers = false;
        bool commits_early = false;
        bool has_extents = true;
        std::uint32_t start = 1;
        std::uint32_t sequence = 7;
    };

    static constexpr std::size_t kBlock = 1024;
    static constexpr std::size_t kBlocks = 256;
    static constexpr std::uint32_t kJournalBlock = 128;
    static constexpr std::uint32_t kJournalBlocks = 64;
    static constexpr std::size_t kTableBlock = 5;
    static constexpr std::uint32_t kMagic = 0xC03B3998;
    static constexpr std::uint32_t kEscaped = 1;
    static constexpr std::uint32_t kSameUuid = 2;
    static constexpr std::uint32_t kLast = 8;

    explicit ExtJournalForge(const Options& options)
        : options_(options), volume_(kBlocks * kBlock), at_(options.start) {
        for (std::size_t block = 10; block < kJournalBlock; ++block)
            fill(block_of(block), static_cast<std::uint8_t>(block));
        put_superblock();
        put_journal_inode();
        sequence_ = options.sequence;
        put_head();
    }

    /// What stands in the place of a block before anything is replayed.
    static Bytes original(std::size_t block) {
        Bytes bytes(kBlock);
        fill(bytes, static_cast<std::uint8_t>(block));
        return bytes;
    }
    static Bytes filled(std::uint8_t value) {
        Bytes bytes(kBlock);
        fill(bytes, value);
        return bytes;
    }
    static Bytes magic_block() {
        disk::BigEndianWriter out;
        return out.u32(kMagic).zeros(kBlock - 4).take();
    }

    struct Item {
        std::uint64_t block = 0;
        Bytes content;
        std::uint32_t more_flags = 0;  ///< Beside those that its place in the list takes.
    };

    /// A list of blocks, and they behind it.
    void write(const std::vector<Item>& items) {
        disk::BigEndianWriter out;
        out.u32(kMagic).u32(1).u32(sequence_);
        std::vector<Bytes> blocks;
        for (std::size_t i = 0; i < items.size(); ++i) {
            Item item = items[i];
            std::uint32_t flags = item.more_flags | (i == 0 ? 0U : kSameUuid);
            if (i + 1 == items.size()) flags |= kLast;
            if (disk::BigEndianReader{item.content}.u32() == kMagic) {
                flags |= kEscaped;
                std::fill_n(item.content.begin(), 4, std::byte{0});
            }
            put_tag(out, item.block, flags, item.content);
            if ((flags & kSameUuid) == 0) out.zeros(16);
            blocks.push_back(std::move(item.content));
        }
        Bytes list = out.take();
        list.resize(kBlock);
        seal_tail(list);
        put(list);
        for (const Bytes& block : blocks)
            put(block);
    }

    void revoke(const std::vector<std::uint64_t>& blocks) {
        disk::BigEndianWriter out;
        const std::size_t bytes = options_.has_long_numbers ? 8 : 4;
        out.u32(kMagic).u32(5).u32(sequence_);
        out.u32(static_cast<std::uint32_t>(16 + bytes * blocks.size()));
        for (const std::uint64_t block : blocks) {
            if (options_.has_long_numbers) {
                out.u64(block);
            } else {
                out.u32(static_cast<std::uint32_t>(block));
            }
        }
        Bytes list = out.take();
        list.resize(kBlock);
        seal_tail(list);
        put(list, Whole::leaves_out);
    }

    void commit(std::uint64_t time = 1000) {
        disk::BigEndianWriter out;
        out.u32(kMagic).u32(2).u32(sequence_);
        const bool is_whole = options_.sums == Sums::whole;
        out.u8(is_whole ? 1 : 0).u8(is_whole ? 4 : 0).u16(0);
        out.u32(is_whole ? whole_ : 0).zeros(28).u64(time);
        Bytes block = out.take();
        block.resize(kBlock);
        if (has_tags_checked()) put_u32(block, 16, ~crc32c(block, seed()));
        put(block, Whole::leaves_out);
        ++sequence_;
        whole_ = 0xFFFFFFFF;
    }

    /// Any block at the head of the ring.
    void put_raw(ByteView block) { put(block, Whole::leaves_out); }
    /// What comes next is of this transaction.
    void set_sequence(std::uint32_t sequence) { sequence_ = sequence; }
    std::uint32_t at() const { return at_; }
    MutableByteView journal_block(std::uint32_t block) { return block_of(kJournalBlock + block); }
    MutableByteView block_of(std::size_t block) {
        return MutableByteView{volume_}.subspan(block * kBlock, kBlock);
    }
    Bytes& bytes() { return volume_; }

    /// The journal's own superblock once more, as it is changed by `change`.
    template <typename Change>
    void change_head(const Change& change) {
        change(journal_block(0));
        seal_head();
    }
    static void put_u32(MutableByteView bytes, std::size_t offset, std::uint32_t value) {
        disk::BigEndianWriter out;
        std::ranges::copy(out.u32(value).take(),
                          bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    }

private:
    enum class Whole { takes_in, leaves_out };

    static void fill(MutableByteView target, std::uint8_t value) {
        std::ranges::fill(target, std::byte{value});
    }
    bool has_tags_checked() const {
        return options_.sums == Sums::short_tags || options_.sums == Sums::tags;
    }
    static Bytes uuid() { return Bytes(16, std::byte{0x5A}); }
    static std::uint32_t seed() { return crc32c(uuid()); }

    void put_superblock() {
        const MutableByteView block = block_of(1);
        store_u32(block, 0x0, 16);
        store_u32(block, 0x4, kBlocks);
        store_u32(block, 0x14, 1);
        store_u32(block, 0x20, 8192);
        store_u32(block, 0x28, 16);
        store_u32(block, 0x38, 0xEF53);
        store_u32(block, 0x4C, 1);
        store_u32(block, 0x58, 128);
        store_u32(block, 0x5C, 0x4);
        store_u32(block, 0x60, 0x46);  // Types, recovery, extents.
        store_u32(block, 0xE0, 8);
        store_u32(block_of(2), 0x8, kTableBlock);
    }

    void put_journal_inode() {
        const MutableByteView inode =
            MutableByteView{volume_}.subspan(kTableBlock * kBlock + 7 * 128, 128);
        store_u32(inode, 0, 0100600);
        store_u32(inode, 4, kJournalBlocks * kBlock);
        LittleEndianWriter map;
        if (options_.has_extents) {
            store_u32(inode, 0x20, 0x80000);
            map.u16(0xF30A).u16(1).u16(4).u16(0).u32(0);
            map.u32(0).u16(kJournalBlocks).u16(0).u32(kJournalBlock);
        } else {
            for (std::uint32_t i = 0; i < 12; ++i)
                map.u32(kJournalBlock + i);
            map.u32(9);
            for (std::uint32_t i = 12; i < kJournalBlocks; ++i)
                store_u32(block_of(9), 4 * std::size_t{i - 12}, kJournalBlock + i);
        }
        std::ranges::copy(map.data(), inode.begin() + 0x28);
    }

    void put_head() {
        disk::BigEndianWriter out;
        out.u32(kMagic).u32(4).u32(0).u32(kBlock).u32(kJournalBlocks).u32(1);
        out.u32(options_.sequence).u32(options_.start).u32(0);
        out.u32(options_.sums == Sums::whole ? 1 : 0);
        out.u32(1U | (options_.has_long_numbers ? 2U : 0) | (options_.commits_early ? 4U : 0) |
                (options_.sums == Sums::short_tags ? 8U : 0) |
                (options_.sums == Sums::tags ? 16U : 0));
        out.u32(0).bytes(uuid()).u32(1).zeros(12).u8(has_tags_checked() ? 4 : 0);
        std::ranges::copy(out.take(), journal_block(0).begin());
        seal_head();
    }

    void seal_head() {
        if (!has_tags_checked()) return;
        const MutableByteView head = journal_block(0);
        put_u32(head, 0xFC, 0);
        put_u32(head, 0xFC, ~crc32c(head));
    }

    void put_tag(disk::BigEndianWriter& out, std::uint64_t block, std::uint32_t flags,
                 ByteView content) const {
        const auto low = static_cast<std::uint32_t>(block);
        const auto high = static_cast<std::uint32_t>(block >> 32U);
        const std::uint32_t sum = has_tags_checked() ? sum_of(content) : 0;
        if (options_.sums == Sums::tags) {
            out.u32(low).u32(flags).u32(high).u32(sum);
            return;
        }
        const bool has_sum = options_.sums == Sums::short_tags;
        out.u32(low).u16(static_cast<std::uint16_t>(has_sum ? sum & 0xFFFF : 0));
        out.u16(static_cast<std::uint16_t>(flags));
        if (options_.has_long_numbers) out.u32(high);
        if (has_sum) out.zeros(2);
    }

    std::uint32_t sum_of(ByteView content) const {
        disk::BigEndianWriter number;
        return ~crc32c(content, crc32c(number.u32(sequence_).take(), seed()));
    }

    void seal_tail(Bytes& list) const {
        if (has_tags_checked()) put_u32(list, kBlock - 4, ~crc32c(list, seed()));
    }

    void put(ByteView block, Whole whole = Whole::takes_in) {
        if (whole == Whole::takes_in && options_.sums == Sums::whole) {
            whole_ = sum_forward(block, whole_);
        }
        std::ranges::copy(block, journal_block(at_).begin());
        at_ = at_ + 1 < kJournalBlocks ? at_ + 1 : 1;
    }

    static std::uint32_t sum_forward(ByteView bytes, std::uint32_t sum) {
        for (const std::byte byte : bytes) {
            sum ^= std::to_integer<std::uint32_t>(byte) << 24U;
            for (int bit = 0; bit < 8; ++bit)
                sum = (sum >> 31U) != 0 ? sum << 1U ^ 0x04C11DB7U : sum << 1U;
        }
        return sum;
    }

    const Options options_;
    Bytes volume_;
    std::uint32_t at_;
    std::uint32_t sequence_ = 0;
    std::uint32_t whole_ = 0xFFFFFFFF;
};

}  // namespace entrepot::test
