// Tags with a length and a value, to the end of a block each. What a tag of an end closes counts if
// its checksum is right: else it was being written.
#include "storage/guest/ext_fast_commit.h"

#include "storage/guest_model/limits.h"

#include "base/crc32c.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <iterator>
#include <utility>

namespace entrepot::guest {
namespace {

constexpr std::uint16_t kAddRange = 1;
constexpr std::uint16_t kDeleteRange = 2;
constexpr std::uint16_t kCreate = 3;
constexpr std::uint16_t kLink = 4;
constexpr std::uint16_t kUnlink = 5;
constexpr std::uint16_t kInode = 6;
constexpr std::uint16_t kPadding = 7;
constexpr std::uint16_t kTail = 8;
constexpr std::uint16_t kHead = 9;

constexpr std::size_t kTagBytes = 4;
constexpr std::size_t kSumOfTailOffset = 4;
constexpr std::size_t kNameBytesMax = 255;
constexpr std::size_t kOldInodeBytes = 128;
// Longer by this much: promised to the file and not written.
constexpr std::uint32_t kWrittenBlocksMax = 32768;
// Linux begins with zeros, and leaves out the last step.
constexpr std::uint32_t kBeginning = 0xFFFFFFFF;

class FastReader {
public:
    FastReader(const NextFastBlock& next_block, std::uint32_t sequence)
        : next_block_(next_block), sequence_(sequence) {}

    std::vector<FastChange> read() {
        bool is_first = true;
        while (const auto block = next_block_()) {
            if (!take_block(*block, is_first)) break;
            is_first = false;
        }
        return std::move(ended_);
    }

private:
    bool take_block(ByteView block, bool is_first) {
        while (block.size() >= kTagBytes) {
            LittleEndianReader in{block};
            const std::uint16_t kind = in.u16();
            const std::size_t length = in.u16();
            if (length > in.remaining()) return false;
            if ((kind == kHead) != is_first) return false;
            is_first = false;
            const ByteView value = in.bytes(length);
            if (kind == kTail) {
                if (!take_tail(block, value)) return false;
            } else {
                sum_ = crc32c(block.first(kTagBytes + length), sum_);
                if (!take_tag(kind, LittleEndianReader{value})) return false;
            }
            block = in.bytes(in.remaining());
        }
        return true;
    }

    bool take_tail(ByteView tag, ByteView value) {
        if (value.size() < kSumOfTailOffset + 4) return false;
        sum_ = crc32c(tag.first(kTagBytes + kSumOfTailOffset), sum_);
        if (load_u32(value, 0) != sequence_ || load_u32(value, kSumOfTailOffset) != ~sum_) {
            return false;
        }
        sum_ = kBeginning;
        ended_.insert(ended_.end(), std::make_move_iterator(pending_.begin()),
                      std::make_move_iterator(pending_.end()));
        pending_.clear();
        return true;
    }

    bool take_tag(std::uint16_t kind, LittleEndianReader in) {
        switch (kind) {
            case kHead:
                return in.remaining() >= 8 && in.u32() == 0 && in.u32() == sequence_;
            case kPadding:
                return true;
            case kInode:
                return take_inode(in);
            case kAddRange:
            case kDeleteRange:
                return take_range(kind, in);
            case kCreate:
            case kLink:
            case kUnlink:
                return take_name(kind, in);
            default:
                return false;
        }
    }

    bool take_inode(LittleEndianReader in) {
        if (in.remaining() < 4 + kOldInodeBytes) return false;
        FastChange change;
        change.inode = in.u32();
        const ByteView record = in.bytes(in.remaining());
        change.record.assign(record.begin(), record.end());
        hold(std::move(change));
        return true;
    }

    bool take_range(std::uint16_t kind, LittleEndianReader in) {
        if (in.remaining() < (kind == kAddRange ? 16U : 12U)) return false;
        FastChange change;
        change.inode = in.u32();
        change.first_block = in.u32();
        if (kind == kDeleteRange) {
            change.kind = FastChangeKind::no_blocks;
            change.block_count = in.u32();
        } else {
            change.kind = FastChangeKind::blocks;
            change.block_count = in.u16();
            change.volume_block = std::uint64_t{in.u16()} << 32U;
            change.volume_block |= in.u32();
            change.is_written = change.block_count <= kWrittenBlocksMax;
            if (!change.is_written) change.block_count -= kWrittenBlocksMax;
        }
        hold(std::move(change));
        return true;
    }

    bool take_name(std::uint16_t kind, LittleEndianReader in) {
        if (in.remaining() < 9 || in.remaining() > 8 + kNameBytesMax) return false;
        FastChange change;
        change.kind = kind == kUnlink ? FastChangeKind::name_removed : FastChangeKind::name_added;
        change.folder = in.u32();
        change.inode = in.u32();
        change.name = as_text(in.bytes(in.remaining()));
        hold(std::move(change));
        return true;
    }

    void hold(FastChange change) {
        held_bytes_ += sizeof(FastChange) + change.record.size() + change.name.size();
        if (held_bytes_ > limits::kExtFastCommitBytesMax) {
            throw Error{ErrorCode::limit, "its journal holds more than can be replayed here"};
        }
        pending_.push_back(std::move(change));
    }

    const NextFastBlock& next_block_;
    const std::uint32_t sequence_;
    std::uint32_t sum_ = kBeginning;
    std::size_t held_bytes_ = 0;
    std::vector<FastChange> pending_;
    std::vector<FastChange> ended_;
};

}  // namespace

std::vector<FastChange> read_fast_commits(const NextFastBlock& next_block, std::uint32_t sequence) {
    return FastReader{next_block, sequence}.read();
}

}  // namespace entrepot::guest
