// Each block of 512 bytes begins with the number of the round in which it was written; what stood
// there is kept in the record's head. The ring's head is where the number falls.
#include "storage/guest/xfs_log_ring.h"

#include "storage/disk/big_endian.h"

#include "base/crc32c.h"
#include "base/little_endian.h"

#include <algorithm>

namespace entrepot::guest {
namespace {

constexpr std::uint64_t kRingBytesMax = 2 * kGiB;  // XFS_MAX_LOG_BYTES
constexpr std::uint32_t kRecordMagic = 0xFEEDBABE;
constexpr std::uint32_t kVersion2 = 2;
constexpr std::uint32_t kRecordBytesMax = 256 * 1024;
// A head has room for the beginnings of so many blocks; more stand in heads behind it.
constexpr std::uint64_t kBlocksOfHead = 64;
constexpr std::size_t kBeginningsOffset = 44;
constexpr std::size_t kBeginningsOffsetOfMore = 4;
constexpr std::size_t kChecksumOffset = 32;
constexpr std::size_t kFormatOffset = 300;
constexpr std::uint32_t kLinuxLittleEndian = 1;
constexpr std::size_t kSizeOffset = 320;
// What of heads is under the checksum: a structure's size in the kernel, with its filling.
constexpr std::size_t kHeadBytes = 328;
constexpr std::size_t kMoreHeadBytes = 260;
// The largest record with its head, twice: the head may be in the middle of one that is torn.
constexpr std::uint64_t kSearchBlocksMax = 2 * kRecordBytesMax / kXfsLogBlockBytes;

bool is_checksum_right(ByteView heads, ByteView content) {
    Bytes head{heads.begin(), heads.begin() + kHeadBytes};
    const std::uint32_t expected = load_u32(head, kChecksumOffset);
    if (expected == 0) return true;  // mkfs writes the first record without.
    store_u32(head, kChecksumOffset, 0);
    std::uint32_t sum = crc32c(head);
    const std::uint64_t more =
        (content.size() / kXfsLogBlockBytes + kBlocksOfHead - 1) / kBlocksOfHead;
    for (std::size_t i = 1; i < more; ++i) {
        const std::size_t offset = i * kXfsLogBlockBytes;
        if (offset >= heads.size()) break;
        sum = crc32c(heads.subspan(offset, kMoreHeadBytes), sum);
    }
    return crc32c(content, sum) == expected;
}

}  // namespace

std::optional<XfsLogRing> XfsLogRing::find(const XfsVolume& volume) {
    const XfsGeometry& geometry = volume.geometry();
    if (geometry.log_block == 0 || geometry.log_block_count == 0) return std::nullopt;
    const auto block = volume.find_blocks(geometry.log_block, geometry.log_block_count);
    const std::uint64_t bytes = std::uint64_t{geometry.log_block_count} * geometry.block_bytes;
    if (!block || bytes > kRingBytesMax) return std::nullopt;
    return XfsLogRing{volume, *block * geometry.block_bytes,
                      geometry.log_block_count * (geometry.block_bytes / kXfsLogBlockBytes)};
}

Bytes XfsLogRing::read_blocks(std::uint64_t block, std::uint64_t count) const {
    Bytes bytes(static_cast<std::size_t>(count * kXfsLogBlockBytes));
    const std::uint64_t before_end = std::min(count, block_count_ - block);
    const auto first = static_cast<std::size_t>(before_end * kXfsLogBlockBytes);
    volume_.disk().read(offset_ + block * kXfsLogBlockBytes, MutableByteView{bytes}.first(first));
    volume_.disk().read(offset_, MutableByteView{bytes}.subspan(first));
    return bytes;
}

std::uint32_t XfsLogRing::round_of(std::uint64_t block) const {
    const Bytes bytes = read_blocks(block, 1);
    disk::BigEndianReader in{bytes};
    const std::uint32_t first = in.u32();
    return first == kRecordMagic ? in.u32() : first;
}

std::uint64_t XfsLogRing::find_head() const {
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

std::optional<XfsLogRecord> XfsLogRing::read_record(std::uint64_t block) const {
    const Bytes head = read_blocks(block, 1);
    disk::BigEndianReader in{head};
    if (in.u32() != kRecordMagic) return std::nullopt;
    XfsLogRecord record;
    record.block = block;
    record.round = in.u32();
    const std::uint32_t version = in.u32();
    record.length = in.u32();
    const std::uint64_t sequence = in.u64();
    record.tail = in.u64();
    in.bytes(8);  // Checksum, the record before.
    record.operation_count = in.u32();
    record.head_blocks = 1;
    const std::uint32_t size = disk::BigEndianReader{ByteView{head}.subspan(kSizeOffset)}.u32();
    if (record.length > kRecordBytesMax || size > kRecordBytesMax) return std::nullopt;
    if (version == kVersion2) {
        const std::uint64_t covered = kBlocksOfHead * kXfsLogBlockBytes;
        record.head_blocks = std::max<std::uint64_t>(1, (size + covered - 1) / covered);
    }
    if (record.length > record.head_blocks * kBlocksOfHead * kXfsLogBlockBytes) return std::nullopt;
    record.is_little_endian =
        disk::BigEndianReader{ByteView{head}.subspan(kFormatOffset)}.u32() == kLinuxLittleEndian;
    if (sequence != record.sequence() || record.block_count() > block_count_) return std::nullopt;
    return record;
}

std::optional<XfsLogRecord> XfsLogRing::find_last(std::uint64_t head) const {
    for (std::uint64_t back = 1; back <= std::min(kSearchBlocksMax, block_count_ - 1); ++back) {
        if (auto record = read_record((head + block_count_ - back) % block_count_)) return record;
    }
    return std::nullopt;
}

std::optional<Bytes> XfsLogRing::read_content(const XfsLogRecord& record) const {
    const Bytes heads = read_blocks(record.block, record.head_blocks);
    const std::uint64_t begin = (record.block + record.head_blocks) % block_count_;
    Bytes content = read_blocks(begin, record.block_count() - record.head_blocks);
    if (volume_.geometry().has_checksums && !is_checksum_right(heads, content)) return std::nullopt;
    for (std::size_t i = 0; i < content.size() / kXfsLogBlockBytes; ++i) {
        const std::size_t head = i / kBlocksOfHead;
        const std::size_t kept = head * kXfsLogBlockBytes +
                                 (head == 0 ? kBeginningsOffset : kBeginningsOffsetOfMore) +
                                 4 * (i % kBlocksOfHead);
        std::copy_n(heads.begin() + static_cast<std::ptrdiff_t>(kept), 4,
                    content.begin() + static_cast<std::ptrdiff_t>(i * kXfsLogBlockBytes));
    }
    return content;
}

}  // namespace entrepot::guest
