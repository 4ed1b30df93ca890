// As Linux does it: changes of buffers that were freed later are left out, and so is what is older
// than what stands on the disk. Only what is read here is replayed: inodes, trees of extents,
// folders, links. Structures: Linux, fs/xfs/libxfs/xfs_log_format.h.
#include "storage/guest/xfs_replay.h"

#include "storage/disk/big_endian.h"
#include "storage/guest/xfs_log_items.h"
#include "storage/guest/xfs_log_ring.h"
#include "storage/guest_model/limits.h"

#include "base/check.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace entrepot::guest {
namespace {

constexpr std::uint64_t kSectorBytes = 512;

constexpr std::uint16_t kInodeItem = 0x123B;
constexpr std::uint16_t kBufferItem = 0x123C;
constexpr std::uint16_t kMappingIntent = 0x1244;
constexpr std::uint16_t kMappingDone = 0x1245;
constexpr std::uint16_t kExchangeIntent = 0x1248;
constexpr std::uint16_t kExchangeDone = 0x1249;

constexpr std::uint16_t kOfInodes = 0x1;
constexpr std::uint16_t kCancels = 0x2;
constexpr unsigned kBufferTypeShift = 11;
// Without a type, as parts of a buffer in several places are; trees, links, folders' blocks.
constexpr std::array<unsigned, 5> kBufferTypesRead{0, 4, 9, 10, 11};
constexpr std::size_t kChunkBytes = 128;
constexpr std::size_t kBufferBlocksMax = 128;

constexpr std::size_t kInodeFormatBytes = 56;
constexpr std::size_t kCoreBytes = 176;
constexpr std::uint32_t kHasLocal = 0x2;
constexpr std::uint32_t kHasExtents = 0x4;
constexpr std::uint32_t kHasRoot = 0x8;
constexpr std::size_t kLongHeadBytes = 72;
constexpr std::size_t kSequenceOffset = 112;

[[noreturn]] void fail_replay(const char* what) {
    throw Error{ErrorCode::corrupt, fmt::format("its journal is damaged: {}", what)};
}

struct BufferChange {
    std::uint16_t flags = 0;
    std::uint16_t block_count = 0;  ///< Of 512 bytes, as are all here.
    std::uint64_t block = 0;
    std::vector<std::uint32_t> bitmap;
};

BufferChange decode_buffer(const XfsLogItem& item) {
    LittleEndianReader in{item.regions[0]};
    in.skip(4);
    BufferChange change;
    change.flags = in.u16();
    change.block_count = in.u16();
    change.block = in.u64();
    const std::size_t count = in.u32();
    if (change.block_count == 0) fail_replay("a buffer is empty");
    if (change.block_count > kBufferBlocksMax || count > kBufferBlocksMax) {
        fail_replay("a buffer is too long");
    }
    for (std::size_t i = 0; i < count; ++i)
        change.bitmap.push_back(in.u32());
    return change;
}

class Replayer {
public:
    Replayer(const XfsVolume& volume, XfsReplayed& target)
        : volume_(volume), target_(target), metadata_(target.metadata) {}

    void run(const std::vector<XfsLogTransaction>& transactions) {
        for (const XfsLogTransaction& transaction : transactions)
            for (const XfsLogItem& item : transaction.items)
                if (item.type == kBufferItem) note_cancelled(decode_buffer(item));
        for (const XfsLogTransaction& transaction : transactions)
            replay(transaction);
        for (const auto& [id, inodes] : intents_)
            target_.unfinished_inodes.insert(inodes.begin(), inodes.end());
    }

private:
    using Place = std::pair<std::uint64_t, std::uint16_t>;

    void note_cancelled(const BufferChange& change) {
        if ((change.flags & kCancels) != 0) ++cancelled_[{change.block, change.block_count}];
    }

    // Buffers before inodes, which lie in buffers; what ends a buffer comes last.
    void replay(const XfsLogTransaction& transaction) {
        for (const XfsLogItem& item : transaction.items)
            if (item.type == kBufferItem) replay_buffer(item, transaction.sequence);
        for (const XfsLogItem& item : transaction.items) {
            if (item.type == kInodeItem) replay_inode(item, transaction.sequence);
            note_intent(item);
        }
        for (const XfsLogItem& item : transaction.items) {
            if (item.type != kBufferItem) continue;
            const BufferChange change = decode_buffer(item);
            if ((change.flags & kCancels) == 0) continue;
            const auto found = cancelled_.find({change.block, change.block_count});
            if (found != cancelled_.end() && --found->second == 0) cancelled_.erase(found);
        }
    }

    void replay_buffer(const XfsLogItem& item, std::uint64_t sequence) {
        const BufferChange change = decode_buffer(item);
        const unsigned type = change.flags >> kBufferTypeShift;
        if ((change.flags & (kCancels | kOfInodes)) != 0) return;
        if (std::ranges::find(kBufferTypesRead, type) == kBufferTypesRead.end()) return;
        if (cancelled_.contains({change.block, change.block_count})) return;
        const std::uint64_t blocks = metadata_.size_bytes() / kSectorBytes;
        if (change.block >= blocks || change.block_count > blocks - change.block) {
            fail_replay("a buffer lies beyond the end of the volume");
        }
        const std::uint64_t offset = change.block * kSectorBytes;
        Bytes buffer(change.block_count * kSectorBytes);
        metadata_.read(offset, buffer);
        if (sequence_of(buffer).value_or(0) >= sequence) return;
        put_chunks(item, change, buffer);
        metadata_.write(offset, buffer);
    }

    // Each run of bits is a region.
    static void put_chunks(const XfsLogItem& item, const BufferChange& change, Bytes& buffer) {
        const std::size_t bit_count = change.bitmap.size() * 32;
        const auto is_set = [&](std::size_t bit) {
            return (change.bitmap[bit / 32] >> (bit % 32) & 1U) != 0;
        };
        std::size_t region = 1;
        for (std::size_t bit = 0; bit < bit_count;) {
            if (!is_set(bit)) {
                ++bit;
                continue;
            }
            std::size_t end = bit;
            while (end < bit_count && is_set(end))
                ++end;
            const std::size_t length = (end - bit) * kChunkBytes;
            if (region >= item.regions.size() || item.regions[region].size() != length ||
                end * kChunkBytes > buffer.size()) {
                fail_replay("a change does not fit its buffer");
            }
            std::ranges::copy(item.regions[region],
                              buffer.begin() + static_cast<std::ptrdiff_t>(bit * kChunkBytes));
            ++region;
            bit = end;
        }
    }

    // When the buffer was written last, if it is metadata that we know, and of this file system.
    std::optional<std::uint64_t> sequence_of(ByteView buffer) const {
        struct Kind {
            std::string_view magic;
            std::size_t sequence;
            std::size_t uuid;
        };
        constexpr std::array kKinds{Kind{"BMA3", 32, 40}, Kind{"XDB3", 16, 24},
                                    Kind{"XDD3", 16, 24}, Kind{"XSLM", 48, 16}};
        for (const Kind& kind : kKinds) {
            if (as_text(buffer.first(4)) != kind.magic) continue;
            if (!std::ranges::equal(buffer.subspan(kind.uuid, 16), volume_.geometry().uuid)) break;
            return disk::BigEndianReader{buffer.subspan(kind.sequence)}.u64();
        }
        return std::nullopt;
    }

    void replay_inode(const XfsLogItem& item, std::uint64_t sequence) {
        const Bytes& format = item.regions[0];
        if (format.size() != kInodeFormatBytes || item.regions.size() < 2 ||
            item.regions[1].size() < kCoreBytes) {
            fail_replay("an inode has another form");
        }
        const std::uint32_t fields = load_u32(format, 4);
        const std::uint64_t number = load_u64(format, 16);
        const auto place = volume_.find_inode(number);
        if (!place) fail_replay("an inode lies beyond the end of the volume");
        Bytes inode(volume_.geometry().inode_bytes);
        metadata_.read(*place, inode);
        if (is_newer(inode, number, sequence)) return;
        put_core(item.regions[1], sequence, inode);
        if ((fields & (kHasLocal | kHasExtents | kHasRoot)) != 0) {
            if (item.regions.size() < 3) fail_replay("an inode's content is missing");
            put_fork(item.regions[2], fields, inode);
        }
        metadata_.write(*place, inode);
    }

    bool is_newer(ByteView inode, std::uint64_t number, std::uint64_t sequence) const {
        disk::BigEndianReader in{inode};
        const bool is_same = as_text(inode.first(2)) == "IN" &&
                             disk::BigEndianReader{inode.subspan(152)}.u64() == number &&
                             std::ranges::equal(inode.subspan(160, 16), volume_.geometry().uuid);
        return is_same && disk::BigEndianReader{inode.subspan(kSequenceOffset)}.u64() >= sequence;
    }

    // The log has the fields of an inode in the order of the disk, and each in the machine's own.
    static void put_core(ByteView logged, std::uint64_t sequence, Bytes& inode) {
        constexpr std::uint64_t kHasBigTime = 0x8;
        const bool has_big_times = (load_u64(logged, 120) & kHasBigTime) != 0;
        LittleEndianReader in{logged};
        disk::BigEndianWriter out;
        const auto copy_u16 = [&] { out.u16(in.u16()); };
        const auto copy_u32 = [&] { out.u32(in.u32()); };
        const auto copy_u64 = [&] { out.u64(in.u64()); };
        const auto copy_bytes = [&](std::size_t count) { out.bytes(in.bytes(count)); };
        const auto copy_time = [&] {
            if (has_big_times) return copy_u64();
            copy_u32();
            copy_u32();
        };
        copy_u16();  // Magic.
        copy_u16();  // Mode.
        copy_bytes(4);
        copy_u32();
        copy_u32();
        copy_u32();  // Links.
        copy_u16();
        copy_u16();
        copy_u64();  // Large count.
        copy_time();
        copy_time();
        copy_time();
        copy_u64();  // Size.
        copy_u64();  // Blocks.
        copy_u32();
        copy_u32();  // Count.
        copy_u16();
        copy_bytes(2);  // Where attributes begin, and their form.
        copy_u32();
        copy_u16();
        copy_u16();  // Flags.
        copy_u32();  // Generation.
        // What the log does not know, or knows for itself: the next unlinked one, checksum,
        // changes.
        out.zeros(16).u64(sequence);
        copy_core_of_version_3(logged, out);
        const Bytes core = out.take();
        ENTREPOT_CHECK(core.size() == kCoreBytes);
        std::ranges::copy(core, inode.begin());
    }

    static void copy_core_of_version_3(ByteView logged, disk::BigEndianWriter& out) {
        out.u64(load_u64(logged, 120)).u32(load_u32(logged, 128)).zeros(12);
        out.u64(load_u64(logged, 144)).u64(load_u64(logged, 152)).bytes(logged.subspan(160, 16));
    }

    void put_fork(ByteView content, std::uint32_t fields, Bytes& inode) const {
        constexpr std::size_t kForkOffset = 82;
        std::size_t room = inode.size() - kCoreBytes;
        const auto offset = std::to_integer<std::size_t>(inode[kForkOffset]);
        if (offset != 0) room = std::min(room, offset * 8);
        const auto target = MutableByteView{inode}.subspan(kCoreBytes, room);
        if ((fields & kHasRoot) != 0) return put_root(content, target);
        if (content.size() > room + 3) fail_replay("an inode's content has no room");
        std::ranges::copy(content.first(std::min(content.size(), room)), target.begin());
    }

    // In memory the root of a tree looks like any other block of it.
    static void put_root(ByteView block, MutableByteView target) {
        if (block.size() < kLongHeadBytes || target.size() < 4) fail_replay("a root has no room");
        disk::BigEndianReader head{block.subspan(4)};
        const std::uint16_t level = head.u16();
        const std::size_t count = head.u16();
        const std::size_t room_before = (block.size() - kLongHeadBytes) / 16;
        const std::size_t room = (target.size() - 4) / 16;
        if (count > room || count > room_before) fail_replay("a root has no room");
        disk::BigEndianWriter out;
        out.u16(level).u16(static_cast<std::uint16_t>(count));
        out.bytes(block.subspan(kLongHeadBytes, count * 8)).zeros((room - count) * 8);
        out.bytes(block.subspan(kLongHeadBytes + room_before * 8, count * 8));
        std::ranges::copy(out.take(), target.begin());
    }

    // A change that the kernel makes in several steps: what was begun and is not ended.
    void note_intent(const XfsLogItem& item) {
        const Bytes& format = item.regions[0];
        if (item.type == kMappingIntent || item.type == kExchangeIntent) {
            if (format.size() < 24) fail_replay("an intent has another form");
            std::vector<std::uint64_t>& inodes = intents_[load_u64(format, 8)];
            const std::size_t count = item.type == kExchangeIntent ? 2 : load_u32(format, 4);
            const std::size_t step = item.type == kExchangeIntent ? 8 : 32;
            for (std::size_t i = 0; i < count; ++i) {
                LittleEndianReader in{format};
                in.skip(16 + i * step);
                inodes.push_back(in.u64());
            }
        }
        if (item.type == kMappingDone || item.type == kExchangeDone) {
            if (format.size() < 16) fail_replay("an intent has another form");
            intents_.erase(load_u64(format, 8));
        }
    }

    const XfsVolume& volume_;
    XfsReplayed& target_;
    SectorOverlay& metadata_;
    std::map<Place, std::size_t> cancelled_;
    std::map<std::uint64_t, std::vector<std::uint64_t>> intents_;
};

}  // namespace

std::unique_ptr<XfsReplayed> replay_xfs_log(const XfsVolume& volume) {
    if (!volume.geometry().has_checksums) {
        throw Error{ErrorCode::unsupported,
                    "version 4 does not tell what is newer than its journal"};
    }
    const auto ring = XfsLogRing::find(volume);
    if (!ring) throw Error{ErrorCode::unsupported, "its journal is not in the volume"};
    auto target = std::make_unique<XfsReplayed>(volume.disk());
    Replayer{volume, *target}.run(read_xfs_transactions(*ring));
    return target;
}

}  // namespace entrepot::guest
