// Blocks that an image says it holds, and that nobody ever wrote into its file.
#pragma once

#include <cstdint>

namespace entrepot::disk {

class DiskImage;

/// A VHDX has no checksum over its blocks: zeros that somebody wrote look like any content. But
/// where a block is one hole of the file, nothing was written at all.
struct UnwrittenBlocks {
    std::uint64_t count = 0;  ///< Blocks of content, and of sector bitmaps, that are a hole.
    std::uint64_t content_count = 0;  ///< All that the table says are there.
    std::uint64_t first_offset = 0;   ///< Of the first of them in the file.
    bool reach_end = false;           ///< From one of them on the file is a hole to its end.
};

/// Walks the table of a dynamic or differencing VHDX. Nothing is found in other images: a fixed one
/// may have holes wherever its disk has zeros. Throws Error{corrupt} as check_block_aliasing().
UnwrittenBlocks find_unwritten_blocks(const DiskImage& image);

}  // namespace entrepot::disk
