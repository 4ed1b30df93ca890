// The log of XFS as a ring of blocks, and the records in it. Follows "XFS Algorithms & Data
// Structures", chapter 14 "Journaling Log".
#pragma once

#include "storage/guest/xfs_volume.h"

#include "base/bytes.h"

#include <cstdint>
#include <optional>

namespace entrepot::guest {

inline constexpr std::uint64_t kXfsLogBlockBytes = 512;

/// What one write into the log was.
struct XfsLogRecord {
    std::uint64_t block = 0;  ///< Where it begins in the ring.
    std::uint32_t round = 0;
    std::uint64_t tail = 0;  ///< What was not in its place yet begins there: a round and a block.
    std::uint64_t head_blocks = 0;
    std::uint32_t length = 0;  ///< Of what it holds, in bytes.
    std::uint32_t operation_count = 0;
    bool is_little_endian = false;
    std::uint64_t sequence() const { return std::uint64_t{round} << 32U | block; }
    std::uint64_t block_count() const {
        return head_blocks + (length + kXfsLogBlockBytes - 1) / kXfsLogBlockBytes;
    }
};

class XfsLogRing {
public:
    /// nullopt if the file system says no place of its own for it, or one that is none. The volume
    /// outlives it.
    static std::optional<XfsLogRing> find(const XfsVolume& volume);

    std::uint64_t block_count() const { return block_count_; }
    bool was_ever_written() const { return round_of(0) != 0; }
    /// Where the next record would be written: its block, and the round there before.
    std::uint64_t find_head() const;
    /// The record that begins at this block; nullopt if none does.
    std::optional<XfsLogRecord> read_record(std::uint64_t block) const;
    /// The last one that begins before the head; nullopt if none is near.
    std::optional<XfsLogRecord> find_last(std::uint64_t head) const;
    /// What the record holds, as it was before it was written; nullopt if it is torn.
    std::optional<Bytes> read_content(const XfsLogRecord& record) const;

private:
    XfsLogRing(const XfsVolume& volume, std::uint64_t offset, std::uint64_t block_count)
        : volume_(volume), offset_(offset), block_count_(block_count) {}
    std::uint32_t round_of(std::uint64_t block) const;
    /// As many as are asked for, from the ring's beginning where it ends.
    Bytes read_blocks(std::uint64_t block, std::uint64_t count) const;

    const XfsVolume& volume_;
    std::uint64_t offset_ = 0;
    std::uint64_t block_count_ = 0;
};

}  // namespace entrepot::guest
