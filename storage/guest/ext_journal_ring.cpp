// All numbers are big-endian, though ext's own are not.
#include "storage/guest/ext_journal_ring.h"

#include "storage/disk/big_endian.h"
#include "storage/guest_model/limits.h"

#include "base/check.h"
#include "base/crc32c.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace entrepot::guest {
namespace {

constexpr std::size_t kSuperblockBytes = 1024;
constexpr std::size_t kChecksumOffset = 0xFC;
constexpr std::size_t kUuidOffset = 0x30;
constexpr std::size_t kUuidBytes = 16;
constexpr std::uint32_t kVersion1 = 3;
constexpr std::uint32_t kVersion2 = 4;
constexpr std::uint8_t kCrc32c = 4;

constexpr std::uint32_t kWholeChecksum = 0x1;  // Of the compatible features.
constexpr std::uint32_t kRevokes = 0x1;
constexpr std::uint32_t k64Bit = 0x2;
constexpr std::uint32_t kEarlyCommit = 0x4;
constexpr std::uint32_t kShortTagChecksums = 0x8;
constexpr std::uint32_t kTagChecksums = 0x10;
constexpr std::uint32_t kFastCommits = 0x20;
constexpr std::uint32_t kKnown =
    kRevokes | k64Bit | kEarlyCommit | kShortTagChecksums | kTagChecksums | kFastCommits;
// What the kernel takes where the superblock says nothing, and what it leaves to the ring.
constexpr std::uint32_t kFastBlocksUsual = 256;
constexpr std::uint32_t kRingBlocksMin = 1024;

constexpr std::uint64_t kWindowBytes = 256 * kKiB;

[[noreturn]] void fail(std::string_view what) {
    throw Error{ErrorCode::corrupt, fmt::format("its journal is damaged: {}", what)};
}

std::uint32_t u32_at(ByteView bytes, std::size_t offset) {
    return disk::BigEndianReader{bytes.subspan(offset)}.u32();
}

}  // namespace

JournalRing::JournalRing(const disk::DiskSource& volume, const ExtGeometry& geometry)
    : volume_(volume), geometry_(geometry) {
    if (!geometry.has_journal) fail("there is none");
    if (geometry.journal_inode == 0) {
        throw Error{ErrorCode::unsupported, "it lies on another disk"};
    }
    const ExtFile file =
        read_ext_file(volume, geometry, geometry.journal_inode, limits::kExtJournalBytesMax);
    if (file.size_bytes > limits::kExtJournalBytesMax) {
        throw Error{ErrorCode::limit,
                    fmt::format("it has more than {} GiB", limits::kExtJournalBytesMax / kGiB)};
    }
    extents_ = file.extents;
    // Its blocks must all be there, since none of them is read as a hole.
    std::uint64_t next = 0;
    for (const FileExtent& extent : extents_) {
        if (extent.first_block != next) fail("blocks of it are missing");
        next += extent.block_count;
    }
    next = std::min(next, file.size_bytes / geometry.block_bytes);
    if (next < 2) fail("it is too short");
    head_.end = static_cast<std::uint32_t>(next);
    read_head();
}

void JournalRing::read_head() {
    const ByteView superblock = read(0).first(kSuperblockBytes);
    disk::BigEndianReader in{superblock};
    if (in.u32() != kJournalMagic) fail("it has no beginning");
    const std::uint32_t version = in.u32();
    in.bytes(4);
    if (version != kVersion1 && version != kVersion2) fail("its version is unknown");
    if (in.u32() != geometry_.block_bytes) fail("its block size is another one");
    const std::uint32_t length = in.u32();
    if (length > head_.end) fail("it is shorter than it says");
    head_.end = length;
    head_.first = in.u32();
    head_.sequence = in.u32();
    head_.start = in.u32();
    if (version == kVersion2) take_features(superblock);
    head_.fast_end = std::max(head_.fast_end, head_.end);
    if (head_.first == 0 || head_.first >= head_.end) fail("its first block lies nowhere");
    if (head_.start != 0 && (head_.start < head_.first || head_.start >= head_.end)) {
        fail("its beginning lies nowhere");
    }
}

void JournalRing::take_features(ByteView superblock) {
    disk::BigEndianReader in{superblock.subspan(0x24)};
    const bool is_whole = (in.u32() & kWholeChecksum) != 0;
    const std::uint32_t features = in.u32();
    const std::uint32_t read_only_features = in.u32();
    if ((features & ~kKnown) != 0 || read_only_features != 0) {
        throw Error{ErrorCode::unsupported,
                    fmt::format("it has features that are not known here (0x{:x}, 0x{:x})",
                                features & ~kKnown, read_only_features)};
    }
    head_.has_long_numbers = (features & k64Bit) != 0;
    head_.commits_early = (features & kEarlyCommit) != 0;
    const bool is_short = (features & kShortTagChecksums) != 0;
    const bool is_long = (features & kTagChecksums) != 0;
    if (int{is_whole} + int{is_short} + int{is_long} > 1) fail("it has checksums of two kinds");
    if (is_whole) head_.checksum = JournalChecksum::whole;
    if (is_short) head_.checksum = JournalChecksum::short_tags;
    if (is_long) head_.checksum = JournalChecksum::tags;
    if (is_short || is_long) {
        if (std::to_integer<std::uint8_t>(superblock[0x50]) != kCrc32c) {
            throw Error{ErrorCode::unsupported, "its checksums are of a kind not known here"};
        }
        // Linux leaves out the last step of CRC-32C.
        if (~crc32c_with_zeroed_field(superblock, kChecksumOffset) !=
            u32_at(superblock, kChecksumOffset)) {
            fail("the checksum of its beginning is wrong");
        }
        head_.checksum_seed = crc32c(superblock.subspan(kUuidOffset, kUuidBytes));
    }
    if ((features & kFastCommits) == 0) return;
    std::uint32_t fast = u32_at(superblock, 0x54);
    if (fast == 0) fast = kFastBlocksUsual;
    head_.fast_end = head_.end;
    if (fast < head_.end && head_.end - fast >= kRingBlocksMin) head_.end -= fast;
}

std::uint64_t JournalRing::volume_block(std::uint32_t block) const {
    const auto behind = std::ranges::upper_bound(extents_, block, {}, &FileExtent::first_block);
    ENTREPOT_CHECK(behind != extents_.begin());
    const FileExtent& extent = *std::prev(behind);
    ENTREPOT_CHECK(block - extent.first_block < extent.block_count);
    return extent.volume_block + (block - extent.first_block);
}

ByteView JournalRing::read(std::uint32_t block) {
    const std::uint32_t bytes = geometry_.block_bytes;
    if (block < window_first_ || block - window_first_ >= window_count_) {
        const auto behind = std::ranges::upper_bound(extents_, block, {}, &FileExtent::first_block);
        ENTREPOT_CHECK(behind != extents_.begin());
        const FileExtent& extent = *std::prev(behind);
        const std::uint64_t at = block - extent.first_block;
        ENTREPOT_CHECK(at < extent.block_count);
        const std::uint64_t count =
            std::min(extent.block_count - at, std::max<std::uint64_t>(1, kWindowBytes / bytes));
        window_.resize(static_cast<std::size_t>(count * bytes));
        window_count_ = 0;
        volume_.read((extent.volume_block + at) * bytes, window_);
        window_first_ = block;
        window_count_ = static_cast<std::uint32_t>(count);
    }
    return ByteView{window_}.subspan(std::size_t{block - window_first_} * bytes, bytes);
}

}  // namespace entrepot::guest
