// Odd VHDX: sizes of disks, blocks and sectors (vhdx.md sections 1.3 and 2).
#include "tests/support/vhdx_forge.h"
#include "tests/unit/disk/odd_rows.h"

namespace entrepot::disk::odd {
namespace {

using namespace entrepot::test;

Odd odd_of(const VhdxImageBuilder& builder, Content content, std::size_t warning_count = 0) {
    Odd odd;
    odd.files.push_back(builder.build());
    odd.size_bytes = builder.size_bytes;
    odd.content = std::move(content);
    odd.warning_count = warning_count;
    return odd;
}

/// A disk that ends inside of its third block.
VhdxImageBuilder cut_disk() {
    VhdxImageBuilder builder;
    builder.size_bytes = 4 * kMiB + 512;
    builder.block(2, 6, 8 * kMiB);
    builder.content(8 * kMiB, filled(512, 0x21));
    return builder;
}

Odd with_partial_last_block() {
    VhdxImageBuilder builder = cut_disk();
    builder.content(8 * kMiB + 512, filled(2 * kMiB - 512, 0x99));  // Behind the disk's end.
    return odd_of(builder, {{4 * kMiB, filled(512, 0x21)}});
}

Odd with_short_last_block() {
    VhdxImageBuilder builder = cut_disk();
    builder.file_size_bytes = 8 * kMiB + 512;
    return odd_of(builder, {{4 * kMiB, filled(512, 0x21)}}, 1);
}

Odd with_one_sector() {
    VhdxImageBuilder builder;
    builder.size_bytes = 512;
    builder.block(0, 6, 8 * kMiB).content(8 * kMiB, filled(kMiB, 0x31));
    return odd_of(builder, {{0, filled(512, 0x31)}});
}

Odd with_sectors(std::uint32_t logical, std::uint32_t physical) {
    VhdxImageBuilder builder;
    builder.size_bytes = 4 * kMiB;
    builder.logical_sector_size = logical;
    builder.physical_sector_size = physical;
    builder.block(1, 6, 8 * kMiB).content(8 * kMiB + 4096, filled(4096, 0x41));
    return odd_of(builder, {{2 * kMiB + 4096, filled(4096, 0x41)}});
}

Odd with_largest_blocks() {
    VhdxImageBuilder builder;
    builder.block_size_bytes = 256 * kMiB;
    builder.size_bytes = 256 * kMiB + 4 * kMiB;
    builder.file_size_bytes = 4 * kMiB + 512 * kMiB;
    builder.block(0, 6, 260 * kMiB).block(1, 6, 4 * kMiB);
    builder.content(260 * kMiB + 255 * kMiB, filled(kMiB, 0x51)).content(4 * kMiB, filled(9, 0x52));
    return odd_of(builder, {{255 * kMiB, filled(kMiB, 0x51)}, {256 * kMiB, filled(9, 0x52)}});
}

Odd with_smallest_blocks() {
    VhdxImageBuilder builder;
    builder.block_size_bytes = kMiB;
    builder.size_bytes = 5 * kMiB;
    for (std::uint64_t block = 0; block < 5; ++block) {
        // Backwards: the place says nothing of the order.
        builder.block(block, 6, (12 - block) * kMiB);
        builder.content((12 - block) * kMiB, filled(kMiB, 0x60 + static_cast<int>(block)));
    }
    Content content;
    for (std::uint64_t block = 0; block < 5; ++block)
        content[block * kMiB] = filled(kMiB, 0x60 + static_cast<int>(block));
    return odd_of(builder, std::move(content));
}

/// All blocks are there, though most of them were never written.
Odd with_fixed_blocks() {
    VhdxImageBuilder builder;
    builder.file_flags = 1;
    builder.size_bytes = 8 * kMiB;
    for (std::uint64_t block = 0; block < 4; ++block)
        builder.block(block, 6, (4 + 2 * block) * kMiB);
    builder.content(7 * kMiB, filled(4096, 0x71));
    return odd_of(builder, {{3 * kMiB, filled(4096, 0x71)}});
}

/// The first entry behind a bitmap's: the table is interleaved even where there are no bitmaps.
Odd with_second_chunk() {
    VhdxImageBuilder builder;
    builder.block_size_bytes = 256 * kMiB;
    builder.size_bytes = 17 * 256 * kMiB;
    builder.file_size_bytes = 8 * kMiB + 256 * kMiB;
    builder.block(16, 6, 8 * kMiB).content(8 * kMiB, filled(4096, 0x72));
    if (builder.bat.begin()->first != 17) return {};
    return odd_of(builder, {{16 * 256 * kMiB, filled(4096, 0x72)}});
}

Odd with_every_state() {
    VhdxImageBuilder builder;
    builder.size_bytes = 12 * kMiB;
    builder.block(0, 1).block(1, 2).block(2, 3).block(3, 6, 8 * kMiB).block(4, 0);
    builder.content(8 * kMiB, filled(2 * kMiB, 0x73));
    return odd_of(builder, {{6 * kMiB, filled(2 * kMiB, 0x73)}});
}

}  // namespace

std::vector<Row> vhdx_geometry_rows() {
    return {
        {"a disk that ends inside of a block", with_partial_last_block},
        {"a file that ends where its disk does, as old QEMU wrote it", with_short_last_block},
        {"a disk of one sector", with_one_sector},
        {"sectors of 512 and 512 bytes", [] { return with_sectors(512, 512); }},
        {"sectors of 4096 and 4096 bytes", [] { return with_sectors(4096, 4096); }},
        {"sectors of 4096 and 512 bytes", [] { return with_sectors(4096, 512); }},
        {"blocks of 256 MiB", with_largest_blocks},
        {"blocks of 1 MiB, backwards", with_smallest_blocks},
        {"a fixed disk with holes", with_fixed_blocks},
        {"a block of the second chunk", with_second_chunk},
        {"every state of blocks", with_every_state},
    };
}

}  // namespace entrepot::disk::odd
