// The superblock of XFS: where things lie, and what a reader must know. Follows "XFS Algorithms &
// Data Structures" (3rd edition), chapters 3, 13 and 14; numbers of features: Linux,
// fs/xfs/libxfs/xfs_format.h.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/guest/file_extents.h"
#include "storage/guest/sector_overlay.h"

#include "base/bytes.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace entrepot::guest {

struct XfsGeometry {
    std::uint32_t block_bytes = 0;
    std::uint64_t block_count = 0;
    std::uint32_t sector_bytes = 0;
    std::uint32_t group_blocks = 0;  ///< Of an allocation group; the last may be shorter.
    std::uint32_t group_count = 0;
    unsigned group_block_bits = 0;  ///< Of a block's number in its group.
    std::uint32_t inode_bytes = 0;
    unsigned block_inode_bits = 0;  ///< Of an inode's number in its block.
    std::uint32_t folder_block_bytes = 0;
    std::uint64_t root_inode = 0;
    std::uint64_t log_block = 0;  ///< As extents count blocks; 0: on another device.
    std::uint32_t log_block_count = 0;
    std::array<std::byte, 16> uuid{};  ///< As metadata has it.
    bool has_checksums = false;        ///< Version 5.
    bool has_file_types = false;       ///< In folders.
};

/// Where a block of metadata says what it is; version 5 has it, and version 4 nothing of it.
struct XfsBlockFields {
    std::size_t checksum_offset = 0;
    std::size_t address_offset = 0;
    std::size_t uuid_offset = 0;
    std::size_t owner_offset = 0;
};

class XfsVolume {
public:
    /// Reads the superblock. The disk outlives it. Error{unsupported} names a feature that would be
    /// read wrongly, Error{corrupt}.
    explicit XfsVolume(const disk::DiskSource& disk);

    const disk::DiskSource& disk() const { return disk_; }
    /// As disk(), with what the log has of metadata.
    const disk::DiskSource& metadata() const;
    /// Reads metadata through it from now on; it outlives the volume.
    void use(const SectorOverlay& overlay) { overlay_ = &overlay; }
    /// True for what the log changed: its checksum stands for what it was before.
    bool is_replayed(std::uint64_t offset, std::uint64_t length) const;
    const XfsGeometry& geometry() const { return geometry_; }
    BlockGeometry block_geometry() const;

    /// A block as extents count them, as a block of the volume; nullopt if not all of them lie in
    /// one allocation group, and in the volume.
    std::optional<std::uint64_t> find_blocks(std::uint64_t number, std::uint64_t count) const;
    /// Where an inode lies, in bytes; nullopt for a number that no inode has.
    std::optional<std::uint64_t> find_inode(std::uint64_t number) const;
    /// Requires what find_blocks() gave.
    Bytes read_blocks(std::uint64_t volume_block, std::uint64_t count) const;

    /// Throws Error{corrupt} if the metadata, which lies at `volume_block`, is not `what` of that
    /// owner.
    void check_metadata(ByteView metadata, const XfsBlockFields& fields, std::uint64_t volume_block,
                        std::uint64_t owner, const char* what) const;

private:
    bool lies_in_group(std::uint64_t group, std::uint64_t block, std::uint64_t count) const;

    const disk::DiskSource& disk_;
    const SectorOverlay* overlay_ = nullptr;
    XfsGeometry geometry_;
};

}  // namespace entrepot::guest
