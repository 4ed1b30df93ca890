// All numbers are big-endian, but for checksums.
#include "storage/guest/xfs_volume.h"

#include "storage/disk/big_endian.h"
#include "storage/guest/volume_source.h"

#include "base/check.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string>
#include <string_view>

namespace entrepot::guest {
namespace {

constexpr std::uint32_t kMagic = 0x58465342;  // "XFSB"
constexpr std::size_t kSuperblockBytes = 512;
constexpr std::size_t kChecksumOffset = 224;
// Addresses in metadata count these, whatever the sector is.
constexpr std::uint64_t kBasicBlockBytes = 512;

constexpr std::uint32_t kSectorBytesMax = 32 * 1024;
constexpr std::uint32_t kBlockBytesMax = 64 * 1024;
constexpr std::uint32_t kInodeBytesMin = 256;
constexpr std::uint32_t kInodeBytesMax = 2048;
constexpr unsigned kBlockInodeBitsMax = 8;
constexpr unsigned kGroupBlockBitsMax = 31;

constexpr std::uint16_t kVersionMask = 0xF;
constexpr std::uint16_t kNewFolders = 0x2000;
constexpr std::uint16_t kMoreFeatures = 0x8000;
constexpr std::uint32_t kFileTypesOfVersion4 = 0x200;
constexpr std::uint32_t kFileTypes = 0x1;
constexpr std::uint32_t kMetadataUuid = 0x4;

// File types in folders, sparse chunks of inodes, a UUID of its own for metadata, times beyond
// 2038, large counts of extents, exchange of ranges, names of parents as attributes.
constexpr std::uint32_t kReadRightly = 0x1 | 0x2 | 0x4 | 0x8 | 0x20 | 0x40 | 0x80;

struct FeatureWords {
    std::uint32_t bit;
    std::string_view words;
};

constexpr std::array kFeatures{
    FeatureWords{0x10, "a repair that was begun and not ended (xfs_repair)"},
    FeatureWords{0x100, "a folder of metadata (metadir)"},
    FeatureWords{0x200, "zones"},
    FeatureWords{0x400, "gaps between zones"},
};

constexpr std::string_view kAdvice = "entrepot restore disk gives the whole disk back as a file";

[[noreturn]] void fail(const std::string& what) {
    throw Error{ErrorCode::corrupt, fmt::format("the superblock of XFS is damaged: {}", what)};
}

[[noreturn]] void refuse(const std::string& what) {
    throw Error{ErrorCode::unsupported,
                fmt::format("this XFS file system has what cannot be read here: {}", what),
                std::string{kAdvice}};
}

/// The fields that are of use here, as they stand.
struct Superblock {
    std::uint16_t version = 0;
    std::uint8_t block_bits = 0;
    std::uint8_t inode_bits = 0;
    std::uint8_t folder_block_bits = 0;
    std::uint8_t is_in_progress = 0;
    std::uint32_t features_2 = 0;
    std::uint32_t features_incompatible = 0;
};

void check_features(const Superblock& raw) {
    const unsigned version = raw.version & kVersionMask;
    if (version != 4 && version != 5) refuse(fmt::format("version {} of the format", version));
    if (raw.is_in_progress != 0) fail("mkfs has not ended");
    if (version == 4 && (raw.version & kNewFolders) == 0) refuse("folders of version 1");
    const std::uint32_t unknown = version == 5 ? raw.features_incompatible & ~kReadRightly : 0;
    if (unknown == 0) return;
    std::string words;
    for (const FeatureWords& feature : kFeatures) {
        if ((unknown & feature.bit) != 0) {
            words += fmt::format("{}{}", words.empty() ? "" : ", ", feature.words);
        }
    }
    refuse(words.empty() ? fmt::format("incompatible features 0x{:x}", unknown) : words);
}

Superblock decode(ByteView bytes, XfsGeometry& geometry) {
    disk::BigEndianReader in{bytes};
    if (in.u32() != kMagic) fail("it is of something else");
    Superblock raw;
    geometry.block_bytes = in.u32();
    geometry.block_count = in.u64();
    in.bytes(16);  // The real-time device.
    std::ranges::copy(in.bytes(16), geometry.uuid.begin());
    geometry.log_block = in.u64();
    geometry.root_inode = in.u64();
    in.bytes(20);  // More of the real-time device.
    geometry.group_blocks = in.u32();
    geometry.group_count = in.u32();
    in.bytes(4);
    geometry.log_block_count = in.u32();
    raw.version = in.u16();
    geometry.sector_bytes = in.u16();
    geometry.inode_bytes = in.u16();
    in.bytes(14);  // Inodes in a block, the label.
    raw.block_bits = in.u8();
    in.bytes(1);
    raw.inode_bits = in.u8();
    geometry.block_inode_bits = in.u8();
    geometry.group_block_bits = in.u8();
    in.bytes(1);
    raw.is_in_progress = in.u8();
    in.bytes(65);  // Counts, quotas, alignment.
    raw.folder_block_bits = in.u8();
    in.bytes(7);
    raw.features_2 = in.u32();
    in.bytes(12);
    raw.features_incompatible = in.u32();
    check_features(raw);

    geometry.has_checksums = (raw.version & kVersionMask) == 5;
    geometry.has_file_types =
        geometry.has_checksums
            ? (raw.features_incompatible & kFileTypes) != 0
            : (raw.version & kMoreFeatures) != 0 && (raw.features_2 & kFileTypesOfVersion4) != 0;
    if (geometry.has_checksums && (raw.features_incompatible & kMetadataUuid) != 0) {
        std::ranges::copy(bytes.subspan(248, 16), geometry.uuid.begin());
    }
    if (raw.block_bits > 16 || geometry.block_bytes != 1U << raw.block_bits) fail("its block size");
    if (raw.inode_bits > 11 || geometry.inode_bytes != 1U << raw.inode_bits) fail("its inode size");
    if (raw.folder_block_bits > 7 ||
        geometry.block_bytes > kBlockBytesMax >> raw.folder_block_bits) {
        fail("the size of blocks of folders");
    }
    geometry.folder_block_bytes = geometry.block_bytes << raw.folder_block_bits;
    return raw;
}

void check_geometry(const XfsGeometry& geometry) {
    const std::uint32_t sector = geometry.sector_bytes;
    if (!std::has_single_bit(sector) || sector < kSuperblockBytes || sector > kSectorBytesMax) {
        fail("its sector size");
    }
    if (geometry.block_bytes < kSuperblockBytes || geometry.inode_bytes < kInodeBytesMin ||
        geometry.inode_bytes > std::min(kInodeBytesMax, geometry.block_bytes) ||
        geometry.block_inode_bits > kBlockInodeBitsMax ||
        geometry.block_bytes / geometry.inode_bytes != 1U << geometry.block_inode_bits) {
        fail("the number of inodes in a block");
    }
    if (geometry.group_blocks == 0 || geometry.group_count == 0 ||
        geometry.group_block_bits > kGroupBlockBitsMax ||
        geometry.group_block_bits !=
            static_cast<unsigned>(std::bit_width(geometry.group_blocks - 1))) {
        fail("the size of its allocation groups");
    }
    const std::uint64_t full_groups = std::uint64_t{geometry.group_count - 1};
    if (geometry.block_count <= full_groups * geometry.group_blocks ||
        geometry.block_count > (full_groups + 1) * geometry.group_blocks) {
        fail("the number of its allocation groups");
    }
}

}  // namespace

XfsVolume::XfsVolume(const disk::DiskSource& disk) : disk_(disk) {
    Bytes sector = read_up_to(disk, 0, kSectorBytesMax);
    if (sector.size() < kSuperblockBytes) fail("the volume is too short");
    decode(ByteView{sector}.first(kSuperblockBytes), geometry_);
    check_geometry(geometry_);
    if (!geometry_.has_checksums) return;
    if (sector.size() < geometry_.sector_bytes) fail("the volume is too short");
    sector.resize(geometry_.sector_bytes);
    if (load_u32(sector, kChecksumOffset) != crc32c_with_zeroed_field(sector, kChecksumOffset)) {
        fail("its checksum is wrong");
    }
}

const disk::DiskSource& XfsVolume::metadata() const {
    if (overlay_ == nullptr) return disk_;
    return *overlay_;
}

bool XfsVolume::is_replayed(std::uint64_t offset, std::uint64_t length) const {
    return overlay_ != nullptr && overlay_->is_changed(offset, length);
}

BlockGeometry XfsVolume::block_geometry() const {
    return {geometry_.block_bytes, geometry_.block_count};
}

bool XfsVolume::lies_in_group(std::uint64_t group, std::uint64_t block, std::uint64_t count) const {
    if (group >= geometry_.group_count) return false;
    const std::uint64_t first = group * geometry_.group_blocks;
    const std::uint64_t volume_blocks =
        std::min(geometry_.block_count, disk_.size_bytes() / geometry_.block_bytes);
    if (first >= volume_blocks) return false;
    const std::uint64_t room =
        std::min<std::uint64_t>(geometry_.group_blocks, volume_blocks - first);
    return block < room && count <= room - block;
}

std::optional<std::uint64_t> XfsVolume::find_blocks(std::uint64_t number,
                                                    std::uint64_t count) const {
    const std::uint64_t group = number >> geometry_.group_block_bits;
    const std::uint64_t block = number & ((1ULL << geometry_.group_block_bits) - 1);
    if (!lies_in_group(group, block, count)) return std::nullopt;
    return group * geometry_.group_blocks + block;
}

std::optional<std::uint64_t> XfsVolume::find_inode(std::uint64_t number) const {
    const auto block = find_blocks(number >> geometry_.block_inode_bits, 1);
    if (!block) return std::nullopt;
    const std::uint64_t place = number & ((1ULL << geometry_.block_inode_bits) - 1);
    return *block * geometry_.block_bytes + place * geometry_.inode_bytes;
}

Bytes XfsVolume::read_blocks(std::uint64_t volume_block, std::uint64_t count) const {
    Bytes bytes(static_cast<std::size_t>(count * geometry_.block_bytes));
    metadata().read(volume_block * geometry_.block_bytes, bytes);
    return bytes;
}

void XfsVolume::check_metadata(ByteView metadata, const XfsBlockFields& fields,
                               std::uint64_t volume_block, std::uint64_t owner,
                               const char* what) const {
    if (!geometry_.has_checksums) return;
    const auto u64_at = [&](std::size_t offset) {
        return disk::BigEndianReader{metadata.subspan(offset)}.u64();
    };
    const char* wrong = nullptr;
    if (!is_replayed(volume_block * geometry_.block_bytes, metadata.size()) &&
        load_u32(metadata, fields.checksum_offset) !=
            crc32c_with_zeroed_field(metadata, fields.checksum_offset)) {
        wrong = "its checksum is wrong";
    } else if (!std::ranges::equal(metadata.subspan(fields.uuid_offset, 16), geometry_.uuid)) {
        wrong = "it is of another file system";
    } else if (u64_at(fields.address_offset) !=
               volume_block * (geometry_.block_bytes / kBasicBlockBytes)) {
        wrong = "it belongs elsewhere";
    } else if (u64_at(fields.owner_offset) != owner) {
        wrong = "it belongs to another file";
    }
    if (wrong == nullptr) return;
    throw Error{ErrorCode::corrupt,
                fmt::format("{} at block {} is damaged: {}", what, volume_block, wrong)};
}

}  // namespace entrepot::guest
