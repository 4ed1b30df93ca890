// What the superblock says is checked before anything is computed of it.
#include "storage/guest/ext_volume.h"

#include "storage/guest/ext_block_map.h"
#include "storage/guest/ext_extents.h"
#include "storage/guest/volume_source.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string_view>

namespace entrepot::guest {
namespace {

constexpr std::uint64_t kSuperblockOffset = 1024;
constexpr std::size_t kSuperblockBytes = 1024;
constexpr std::uint16_t kMagic = 0xEF53;
constexpr std::uint32_t kHasJournal = 0x4;
constexpr std::uint32_t kNeedsRecovery = 0x4;
constexpr std::uint32_t k64Bit = 0x80;
constexpr std::uint32_t kBlockBitsMax = 16;
constexpr std::uint32_t kOldInodeBytes = 128;
constexpr std::uint32_t kOldDescriptorBytes = 32;
constexpr std::uint32_t kLongDescriptorBytes = 64;

// In a group's descriptor.
constexpr std::size_t kBitmapOffset = 0x4;
constexpr std::size_t kBitmapHighOffset = 0x24;
constexpr std::size_t kTableOffset = 0x8;
constexpr std::size_t kTableHighOffset = 0x28;
// In an inode.
constexpr std::size_t kSizeOffset = 0x4;
constexpr std::size_t kFlagsOffset = 0x20;
constexpr std::size_t kBlocksOffset = 0x28;
constexpr std::size_t kSizeHighOffset = 0x6C;
constexpr std::uint32_t kHasExtents = 0x80000;
constexpr std::uint16_t kTypeMask = 0xF000;
constexpr std::uint16_t kRegular = 0x8000;

[[noreturn]] void fail(std::string_view what) {
    throw Error{ErrorCode::corrupt, fmt::format("the superblock of ext is damaged: {}", what)};
}

std::uint16_t load_u16(ByteView bytes, std::size_t offset) {
    return LittleEndianReader{bytes.subspan(offset)}.u16();
}

void check_geometry(const ExtGeometry& geometry) {
    const std::uint32_t inode = geometry.inode_bytes;
    if (!std::has_single_bit(inode) || inode < kOldInodeBytes || inode > geometry.block_bytes) {
        fail("its inode size");
    }
    const std::uint32_t descriptor = geometry.descriptor_bytes;
    if (!std::has_single_bit(descriptor) || descriptor > geometry.block_bytes) {
        fail("the size of its groups' descriptors");
    }
    if (geometry.group_inodes == 0 || geometry.block_count == 0) fail("it has no groups");
}

struct InodePlace {
    std::uint64_t index = 0;  ///< In its group.
    Bytes descriptor;         ///< Of the group.
};

InodePlace find_place(const disk::DiskSource& volume, const ExtGeometry& geometry,
                      std::uint32_t number) {
    if (number == 0 || number > geometry.inode_count) {
        throw Error{ErrorCode::corrupt, fmt::format("there is no inode {}", number)};
    }
    const std::uint64_t group = (number - 1) / geometry.group_inodes;
    // Descriptors begin in the block behind the superblock.
    const std::uint64_t first = kSuperblockOffset / geometry.block_bytes + 1;
    InodePlace place;
    place.index = (number - 1) % geometry.group_inodes;
    place.descriptor =
        read_up_to(volume, first * geometry.block_bytes + group * geometry.descriptor_bytes,
                   geometry.descriptor_bytes);
    if (place.descriptor.size() < geometry.descriptor_bytes) fail("its groups lie beyond the end");
    return place;
}

std::uint64_t load_block(ByteView descriptor, std::size_t offset, std::size_t high_offset) {
    std::uint64_t block = load_u32(descriptor, offset);
    if (descriptor.size() >= kLongDescriptorBytes) {
        block |= std::uint64_t{load_u32(descriptor, high_offset)} << 32U;
    }
    return block;
}

[[noreturn]] void fail_inode(std::uint32_t number) {
    throw Error{ErrorCode::corrupt,
                fmt::format("inode {} lies beyond the end of the volume", number)};
}

}  // namespace

ExtGeometry read_ext_geometry(const disk::DiskSource& volume) {
    const Bytes superblock = read_up_to(volume, kSuperblockOffset, kSuperblockBytes);
    if (superblock.size() < kSuperblockBytes) fail("the volume is too short");
    if (load_u16(superblock, 0x38) != kMagic) fail("it is of something else");
    const std::uint32_t block_bits = load_u32(superblock, 0x18);
    if (block_bits > kBlockBitsMax - 10) fail("its block size");
    const std::uint32_t features = load_u32(superblock, 0x60);
    ExtGeometry geometry;
    geometry.block_bytes = 1024U << block_bits;
    geometry.block_count = load_u32(superblock, 0x4);
    geometry.inode_count = load_u32(superblock, 0x0);
    geometry.group_inodes = load_u32(superblock, 0x28);
    const bool is_first_revision = load_u32(superblock, 0x4C) == 0;
    geometry.inode_bytes = is_first_revision ? kOldInodeBytes : load_u16(superblock, 0x58);
    geometry.descriptor_bytes = kOldDescriptorBytes;
    if ((features & k64Bit) != 0) {
        geometry.descriptor_bytes = load_u16(superblock, 0xFE);
        if (geometry.descriptor_bytes < kLongDescriptorBytes) fail("its groups' descriptors");
        geometry.block_count |= std::uint64_t{load_u32(superblock, 0x150)} << 32U;
    }
    geometry.has_journal = (load_u32(superblock, 0x5C) & kHasJournal) != 0;
    geometry.needs_recovery = (features & kNeedsRecovery) != 0;
    geometry.journal_inode = load_u32(superblock, 0xE0);
    check_geometry(geometry);
    return geometry;
}

std::uint64_t find_ext_inode(const disk::DiskSource& volume, const ExtGeometry& geometry,
                             std::uint32_t number) {
    const InodePlace place = find_place(volume, geometry, number);
    const std::uint64_t table = load_block(place.descriptor, kTableOffset, kTableHighOffset);
    const std::uint64_t volume_blocks = volume.size_bytes() / geometry.block_bytes;
    const std::uint64_t inodes_of_block = geometry.block_bytes / geometry.inode_bytes;
    if (table == 0 || table >= volume_blocks ||
        place.index / inodes_of_block >= volume_blocks - table) {
        fail_inode(number);
    }
    return table * geometry.block_bytes + place.index * geometry.inode_bytes;
}

std::uint64_t find_ext_inode_bit(const disk::DiskSource& volume, const ExtGeometry& geometry,
                                 std::uint32_t number) {
    const InodePlace place = find_place(volume, geometry, number);
    const std::uint64_t bitmap = load_block(place.descriptor, kBitmapOffset, kBitmapHighOffset);
    const std::uint64_t bits_of_block = std::uint64_t{geometry.block_bytes} * 8;
    if (bitmap == 0 || bitmap >= volume.size_bytes() / geometry.block_bytes ||
        place.index >= bits_of_block) {
        fail_inode(number);
    }
    return bitmap * bits_of_block + place.index;
}

ExtFile read_ext_file(const disk::DiskSource& volume, const ExtGeometry& geometry,
                      std::uint32_t number, std::uint64_t bytes_max) {
    const Bytes inode =
        read_up_to(volume, find_ext_inode(volume, geometry, number), kOldInodeBytes);
    if (inode.size() < kOldInodeBytes || (load_u16(inode, 0) & kTypeMask) != kRegular) {
        throw Error{ErrorCode::corrupt, fmt::format("inode {} is of no file", number)};
    }
    ExtFile file;
    file.size_bytes = load_u32(inode, kSizeOffset) | std::uint64_t{load_u32(inode, kSizeHighOffset)}
                                                         << 32U;
    const ByteView root = ByteView{inode}.subspan(kBlocksOffset, kExtMapBytes);
    if ((load_u32(inode, kFlagsOffset) & kHasExtents) != 0) {
        file.extents = read_extents(volume, geometry.blocks(), root);
    } else {
        const std::uint64_t bytes = std::min(file.size_bytes, bytes_max);
        const std::uint64_t count =
            bytes / geometry.block_bytes + (bytes % geometry.block_bytes == 0 ? 0 : 1);
        file.extents = read_block_map(volume, geometry.blocks(), root, count);
    }
    return file;
}

}  // namespace entrepot::guest
