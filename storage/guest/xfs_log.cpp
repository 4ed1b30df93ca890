// The log is a ring of blocks of 512 bytes, each with the number of the round in which it was
// written: its head is where the number falls. A clean one has the record of an unmount before it.
#include "storage/guest/xfs_log.h"

#include "storage/disk/big_endian.h"

#include "base/bytes.h"
#include "base/error.h"

#include <algorithm>
#include <optional>

namespace entrepot::guest {
namespace {

constexpr std::uint64_t kBlockBytes = 512;
constexpr std::uint32_t kRecordMagic = 0xFEEDBABE;
constexpr std::uint32_t kHeadCoversBytes = 32 * 1024;
constexpr std::size_t kSizeOffset = 320;
constexpr std::uint32_t kVersion2 = 2;
constexpr std::uint32_t kRecordBytesMax = 256 * 1024;
// Of an operation: its transaction, its length, who wrote it, what it is.
constexpr std::size_t kOperationFlagsOffset = 9;
constexpr std::uint32_t kIsUnmount = 0x20;
// The largest record with its head.
constexpr std::uint64_t kSearchBlocksMax = 2 * kRecordBytesMax / kBlockBytes;

class LogReader {
public:
    LogReader(const disk::DiskSource& disk, std::uint64_t offset, std::uint64_t block_count)
        : disk_(disk), offset_(offset), block_count_(block_count) {}

    bool is_clean() const {
        if (round_of(0) == 0) return true;  // Nobody has written into it.
        const std::uint64_t head = find_head();
        for (std::uint64_t back = 1; back <= std::min(kSearchBlocksMax, block_count_ - 1); ++back) {
            const std::uint64_t at = (head + block_count_ - back) % block_count_;
            const Bytes block = read_block(at);
            if (disk::BigEndianReader{block}.u32() != kRecordMagic) continue;
            return is_unmount(block, at, back);
        }
        return false;
    }

private:
    Bytes read_block(std::uint64_t number) const {
        Bytes block(kBlockBytes);
        disk_.read(offset_ + number * kBlockBytes, block);
        return block;
    }

    std::uint32_t round_of(std::uint64_t number) const {
        const Bytes block = read_block(number);
        disk::BigEndianReader in{block};
        const std::uint32_t first = in.u32();
        return first == kRecordMagic ? in.u32() : first;
    }

    // The first block of another round than the first one's; 0 if there is none.
    std::uint64_t find_head() const {
        const std::uint32_t round = round_of(0);
        if (round_of(block_count_ - 1) == round) return 0;
        std::uint64_t low = 0;
        std::uint64_t high = block_count_ - 1;
        while (high - low > 1) {
            const std::uint64_t middle = low + (high - low) / 2;
            (round_of(middle) == round ? low : high) = middle;
        }
        return high;
    }

    // The last record, `back` blocks before the head, is all that stands there, and an unmount.
    bool is_unmount(ByteView record, std::uint64_t at, std::uint64_t back) const {
        disk::BigEndianReader in{record};
        in.bytes(8);
        const std::uint32_t version = in.u32();
        const std::uint32_t length = in.u32();
        in.bytes(24);  // Where it is and where the log begins, checksum, record before.
        const std::uint32_t operation_count = in.u32();
        if (operation_count != 1 || length > kRecordBytesMax) return false;
        std::uint64_t head_blocks = 1;
        if (version == kVersion2) {
            const std::uint32_t size = disk::BigEndianReader{record.subspan(kSizeOffset)}.u32();
            if (size > kHeadCoversBytes) {
                head_blocks = (size + std::uint64_t{kHeadCoversBytes} - 1) / kHeadCoversBytes;
            }
        }
        if (back != head_blocks + (length + kBlockBytes - 1) / kBlockBytes) return false;
        const Bytes operation = read_block((at + head_blocks) % block_count_);
        return (std::to_integer<std::uint32_t>(operation[kOperationFlagsOffset]) & kIsUnmount) != 0;
    }

    const disk::DiskSource& disk_;
    const std::uint64_t offset_;
    const std::uint64_t block_count_;
};

}  // namespace

XfsLog read_xfs_log(const XfsVolume& volume) {
    const XfsGeometry& geometry = volume.geometry();
    if (geometry.log_block == 0) return XfsLog::outside;
    if (geometry.log_block_count == 0) return XfsLog::in_use;
    const auto block = volume.find_blocks(geometry.log_block, geometry.log_block_count);
    if (!block) return XfsLog::in_use;
    const LogReader log{volume.disk(), *block * geometry.block_bytes,
                        geometry.log_block_count * (geometry.block_bytes / kBlockBytes)};
    return log.is_clean() ? XfsLog::clean : XfsLog::in_use;
}

}  // namespace entrepot::guest
