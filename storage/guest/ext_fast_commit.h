// What fast commits of ext4 say: changes of single files since the last whole transaction, by what
// was done and not by blocks. Follows "ext4 Data Structures and Algorithms" (Linux,
// Documentation/filesystems/ext4), Journal, "Fast commits", and fs/ext4/fast_commit.h of Linux.
#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::guest {

enum class FastChangeKind {
    inode,      ///< As it is now, but for its blocks.
    blocks,     ///< Of a file lie there.
    no_blocks,  ///< Of a file are a hole.
    name_added,
    name_removed,
};

struct FastChange {
    FastChangeKind kind = FastChangeKind::inode;
    std::uint32_t inode = 0;
    Bytes record;              ///< Of an inode.
    std::uint32_t folder = 0;  ///< Of a name.
    std::string name;
    std::uint64_t first_block = 0;  ///< Of blocks, in the file.
    std::uint64_t block_count = 0;
    std::uint64_t volume_block = 0;
    bool is_written = false;
};

/// Gives the next block of the area for them; nullopt behind its end.
using NextFastBlock = std::function<std::optional<ByteView>()>;

/// Of those that are whole, in their order. `sequence` is that of the transaction which would
/// follow the last whole one: others are of before. Error{limit}.
std::vector<FastChange> read_fast_commits(const NextFastBlock& next_block, std::uint32_t sequence);

}  // namespace entrepot::guest
