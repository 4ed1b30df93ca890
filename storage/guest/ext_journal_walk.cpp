// A transaction is blocks that list others (descriptors), each followed by those, blocks that name
// what was freed (revokes), and one that ends it (commit). Its number in each of them tells where
// the journal ends: behind its head the ring has older ones.
#include "storage/guest/ext_journal_walk.h"

#include "storage/disk/big_endian.h"
#include "storage/guest_model/limits.h"

#include "base/crc32c.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace entrepot::guest {
namespace {

constexpr std::uint32_t kDescriptor = 1;
constexpr std::uint32_t kCommit = 2;
constexpr std::uint32_t kRevoke = 5;

constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kTailBytes = 4;
constexpr std::size_t kUuidBytes = 16;
constexpr std::uint32_t kIsEscaped = 0x1;
constexpr std::uint32_t kHasNoUuid = 0x2;
constexpr std::uint32_t kIsLast = 0x8;

constexpr std::size_t kCommitChecksumOffset = 0x10;
constexpr std::size_t kCommitTimeOffset = 0x30;
constexpr std::uint8_t kCrc32 = 1;
constexpr std::uint8_t kCrc32Bytes = 4;

constexpr std::uint32_t kPolynomial = 0x04C11DB7;

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        std::uint32_t sum = i << 24U;
        for (int bit = 0; bit < 8; ++bit)
            sum = (sum & 0x80000000U) != 0 ? sum << 1U ^ kPolynomial : sum << 1U;
        table[i] = sum;
    }
    return table;
}

// CRC-32 with the highest bit first, and without the last step.
std::uint32_t crc32_forward(ByteView bytes, std::uint32_t sum) {
    static constexpr auto kTable = make_table();
    for (const std::byte byte : bytes)
        sum = sum << 8U ^ kTable[sum >> 24U ^ std::to_integer<std::uint32_t>(byte)];
    return sum;
}

struct Tag {
    std::uint64_t block = 0;
    std::uint32_t flags = 0;
    std::uint32_t checksum = 0;
};

struct Change {
    MovedBlock moved;
    std::uint32_t transaction = 0;  ///< Counted from the oldest.
};

struct Revoke {
    std::uint64_t block = 0;
    std::uint32_t transaction = 0;
};

/// What is known of a transaction before its end.
struct Pending {
    std::size_t change_count = 0;  ///< Of all before it.
    std::size_t revoke_count = 0;
    bool is_suspect = false;  ///< A block that describes others has a wrong checksum.
    const char* damage = nullptr;
    std::uint32_t checksum = 0xFFFFFFFF;
};

class Walker {
public:
    Walker(const disk::DiskSource& volume, JournalRing& ring)
        : ring_(ring),
          head_(ring.head()),
          volume_blocks_(volume.size_bytes() / ring.block_bytes()),
          at_(head_.start),
          blocks_left_(head_.end - head_.first),
          sequence_(head_.sequence) {}

    JournalChanges walk() {
        if (head_.start != 0) {
            while (take_transaction()) {
            }
        }
        return {unite(), sequence_, std::move(damage_)};
    }

private:
    bool has_tags_checked() const {
        return head_.checksum == JournalChecksum::tags ||
               head_.checksum == JournalChecksum::short_tags;
    }

    std::optional<std::uint32_t> take_place() {
        if (blocks_left_ == 0) return std::nullopt;
        --blocks_left_;
        return std::exchange(at_, ring_.behind(at_));
    }

    // False: it is not whole, or damaged, and the last one.
    bool take_transaction() {
        Pending pending;
        pending.change_count = changes_.size();
        pending.revoke_count = revokes_.size();
        if (!take_blocks(pending)) {
            changes_.resize(pending.change_count);
            revokes_.resize(pending.revoke_count);
            return false;
        }
        ++sequence_;
        ++transaction_;
        return true;
    }

    bool take_blocks(Pending& pending) {
        while (const auto place = take_place()) {
            const ByteView block = ring_.read(*place);
            disk::BigEndianReader in{block};
            if (in.u32() != kJournalMagic) return false;
            const std::uint32_t kind = in.u32();
            if (in.u32() != sequence_) return false;
            switch (kind) {
                case kDescriptor:
                    take_descriptor(Bytes{block.begin(), block.end()}, pending);
                    break;
                case kRevoke:
                    take_revokes(block, pending);
                    break;
                case kCommit:
                    return is_ended(block, pending);
                default:
                    return false;
            }
        }
        return false;
    }

    bool is_tail_right(ByteView block) const {
        if (!has_tags_checked()) return true;
        const std::size_t length = block.size() - kTailBytes;
        const std::uint32_t sum =
            crc32c(Bytes(kTailBytes), crc32c(block.first(length), head_.checksum_seed));
        return ~sum == disk::BigEndianReader{block.subspan(length)}.u32();
    }

    std::size_t tag_bytes() const {
        if (head_.checksum == JournalChecksum::tags) return 16;
        return std::size_t{8} + (head_.has_long_numbers ? 4 : 0) +
               (head_.checksum == JournalChecksum::short_tags ? 2 : 0);
    }

    Tag decode_tag(ByteView bytes) const {
        disk::BigEndianReader in{bytes};
        Tag tag;
        tag.block = in.u32();
        if (head_.checksum == JournalChecksum::tags) {
            tag.flags = in.u32();
            const std::uint64_t high = in.u32();
            if (head_.has_long_numbers) tag.block |= high << 32U;
            tag.checksum = in.u32();
            return tag;
        }
        tag.checksum = in.u16();
        tag.flags = in.u16();
        if (head_.has_long_numbers) tag.block |= std::uint64_t{in.u32()} << 32U;
        return tag;
    }

    void take_descriptor(const Bytes& block, Pending& pending) {
        if (!is_tail_right(block)) pending.is_suspect = true;
        if (head_.checksum == JournalChecksum::whole) {
            pending.checksum = crc32_forward(block, pending.checksum);
        }
        ByteView rest = ByteView{block}.first(block.size() - (has_tags_checked() ? kTailBytes : 0));
        rest = rest.subspan(kHeaderBytes);
        while (rest.size() >= tag_bytes()) {
            const Tag tag = decode_tag(rest);
            const auto place = take_place();
            if (!place) {
                pending.damage = "it has more blocks than the journal";
                return;
            }
            take_block(tag, *place, pending);
            const std::size_t length =
                tag_bytes() + ((tag.flags & kHasNoUuid) != 0 ? 0 : kUuidBytes);
            if ((tag.flags & kIsLast) != 0 || rest.size() < length) return;
            rest = rest.subspan(length);
        }
    }

    void take_block(const Tag& tag, std::uint32_t place, Pending& pending) {
        if (head_.checksum == JournalChecksum::whole) {
            pending.checksum = crc32_forward(ring_.read(place), pending.checksum);
        }
        if (has_tags_checked() && !is_block_right(tag, ring_.read(place))) {
            pending.damage = "the checksum of a block is wrong";
        }
        if (tag.block >= volume_blocks_) {
            pending.damage = "a block belongs beyond the end of the volume";
        }
        if (changes_.size() == limits::kExtMovedBlocksMax) fail_limit();
        changes_.push_back(
            {{tag.block, ring_.volume_block(place), (tag.flags & kIsEscaped) != 0}, transaction_});
    }

    bool is_block_right(const Tag& tag, ByteView block) const {
        disk::BigEndianWriter number;
        number.u32(sequence_);
        const std::uint32_t sum = ~crc32c(block, crc32c(number.take(), head_.checksum_seed));
        if (head_.checksum == JournalChecksum::short_tags) return (sum & 0xFFFF) == tag.checksum;
        return sum == tag.checksum;
    }

    void take_revokes(ByteView block, Pending& pending) {
        if (!is_tail_right(block)) {
            pending.is_suspect = true;
            return;
        }
        disk::BigEndianReader in{block.subspan(kHeaderBytes)};
        const std::size_t used = in.u32();
        const std::size_t begin = kHeaderBytes + 4;
        if (used < begin || used > block.size() - (has_tags_checked() ? kTailBytes : 0)) {
            pending.damage = "what it frees is not told";
            return;
        }
        const std::size_t count = (used - begin) / (head_.has_long_numbers ? 8 : 4);
        for (std::size_t i = 0; i < count; ++i) {
            if (revokes_.size() == limits::kExtRevokesMax) fail_limit();
            revokes_.push_back({head_.has_long_numbers ? in.u64() : in.u32(), transaction_});
        }
    }

    [[noreturn]] static void fail_limit() {
        throw Error{ErrorCode::limit, "its journal holds more than can be replayed here"};
    }

    // What is wrong and older than the transaction before was left from an earlier life of the
    // journal, as Linux has it.
    bool is_ended(ByteView commit, const Pending& pending) {
        const std::uint64_t time = disk::BigEndianReader{commit.subspan(kCommitTimeOffset)}.u64();
        const char* damage = nullptr;
        if (pending.is_suspect) {
            damage = "the checksum of a list is wrong";
        } else if (!is_commit_right(commit, pending)) {
            // Its end went to the disk with the rest, in any order.
            if (head_.commits_early) return false;
            damage = "its checksum is wrong";
        }
        if (damage != nullptr && time < last_time_) return false;
        if (damage == nullptr) damage = pending.damage;
        if (damage != nullptr) {
            damage_ = fmt::format("transaction {} is damaged: {}", sequence_, damage);
            return false;
        }
        last_time_ = time;
        return true;
    }

    bool is_commit_right(ByteView commit, const Pending& pending) const {
        disk::BigEndianReader in{commit.subspan(kHeaderBytes)};
        const std::uint8_t kind = in.u8();
        const std::uint8_t length = in.u8();
        const std::uint32_t expected =
            disk::BigEndianReader{commit.subspan(kCommitChecksumOffset)}.u32();
        if (head_.checksum == JournalChecksum::none) return true;
        if (head_.checksum == JournalChecksum::whole) {
            // One that was written before the feature was set has none.
            if (kind == 0 && length == 0 && expected == 0) return true;
            return kind == kCrc32 && length == kCrc32Bytes && expected == pending.checksum;
        }
        std::uint32_t sum = crc32c(commit.first(kCommitChecksumOffset), head_.checksum_seed);
        sum = crc32c(Bytes(4), sum);
        return ~crc32c(commit.subspan(kCommitChecksumOffset + 4), sum) == expected;
    }

    // Of each block the last content, unless it was freed then or later: in its place may be what
    // was written past the journal.
    std::vector<MovedBlock> unite() {
        std::ranges::sort(revokes_, [](const Revoke& a, const Revoke& b) {
            return std::pair{a.block, a.transaction} < std::pair{b.block, b.transaction};
        });
        std::ranges::stable_sort(changes_, {},
                                 [](const Change& change) { return change.moved.block; });
        std::vector<MovedBlock> moved;
        for (std::size_t i = 0; i < changes_.size(); ++i) {
            const Change& change = changes_[i];
            if (i + 1 < changes_.size() && changes_[i + 1].moved.block == change.moved.block) {
                continue;
            }
            if (!is_revoked(change)) moved.push_back(change.moved);
        }
        return moved;
    }

    bool is_revoked(const Change& change) const {
        const auto behind =
            std::ranges::upper_bound(revokes_, change.moved.block, {}, &Revoke::block);
        if (behind == revokes_.begin()) return false;
        const Revoke& last = *std::prev(behind);
        return last.block == change.moved.block && last.transaction >= change.transaction;
    }

    JournalRing& ring_;
    const JournalHead head_;
    const std::uint64_t volume_blocks_;
    std::uint32_t at_ = 0;
    std::uint32_t blocks_left_ = 0;
    std::uint32_t sequence_ = 0;
    std::uint32_t transaction_ = 0;
    std::uint64_t last_time_ = 0;
    std::vector<Change> changes_;
    std::vector<Revoke> revokes_;
    std::string damage_;
};

}  // namespace

JournalChanges walk_ext_journal(const disk::DiskSource& volume, JournalRing& ring) {
    return Walker{volume, ring}.walk();
}

}  // namespace entrepot::guest
