// The journal of ext3 and ext4 as a ring of blocks, and what its superblock says of it. Follows
// "ext4 Data Structures and Algorithms" (Linux, Documentation/filesystems/ext4), Journal (jbd2).
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/guest/ext_volume.h"
#include "storage/guest/file_extents.h"

#include "base/bytes.h"

#include <cstdint>
#include <vector>

namespace entrepot::guest {

inline constexpr std::uint32_t kJournalMagic = 0xC03B3998;

/// What secures the journal's blocks.
enum class JournalChecksum {
    none,
    whole,       ///< One over all blocks of a transaction, in its last block.
    short_tags,  ///< One of each block, of which 16 bits are kept: version 2.
    tags,        ///< One of each block: version 3.
};

struct JournalHead {
    std::uint32_t first = 0;     ///< Block of the ring; before it is what describes it.
    std::uint32_t end = 0;       ///< Behind the last one.
    std::uint32_t start = 0;     ///< Where the oldest transaction begins; 0: there is none.
    std::uint32_t sequence = 0;  ///< Its number.
    JournalChecksum checksum = JournalChecksum::none;
    bool has_long_numbers = false;  ///< Of blocks: 64 bits.
    bool commits_early = false;     ///< The end of a transaction may be on the disk before it.
    std::uint32_t fast_end = 0;     ///< Behind the blocks for fast commits, if there are any.
    /// Goes before what a checksum is of, as crc32c() goes on.
    std::uint32_t checksum_seed = 0;
};

class JournalRing {
public:
    /// The disk outlives it. Error{unsupported} for a journal that lies elsewhere or has what is
    /// not known here, Error{corrupt}.
    JournalRing(const disk::DiskSource& volume, const ExtGeometry& geometry);

    const JournalHead& head() const { return head_; }
    std::uint32_t block_bytes() const { return geometry_.block_bytes; }
    /// A block of the journal as one of the volume.
    std::uint64_t volume_block(std::uint32_t block) const;
    std::uint32_t behind(std::uint32_t block) const {
        return block + 1 < head_.end ? block + 1 : head_.first;
    }
    /// Valid until the next call.
    ByteView read(std::uint32_t block);

private:
    void read_head();
    void take_features(ByteView superblock);

    const disk::DiskSource& volume_;
    const ExtGeometry geometry_;
    std::vector<FileExtent> extents_;
    JournalHead head_;
    Bytes window_;  ///< Blocks that lie one after another, of which one was asked for.
    std::uint32_t window_first_ = 0;
    std::uint32_t window_count_ = 0;
};

}  // namespace entrepot::guest
