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
    /// Nothing but zeros is in the block that lies last in the file of a growing image. A guest may
    /// have written them, and so may a system that lost what was to be there.
    bool ends_in_zeros = false;
};

/// Walks the table of a VHDX; nothing is found in other images. A partial block of which no sector
/// is present counts as none. Throws Error{corrupt} as check_block_aliasing().
UnwrittenBlocks find_unwritten_blocks(const DiskImage& image);

}  // namespace entrepot::disk
