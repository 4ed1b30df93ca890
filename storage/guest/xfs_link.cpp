// In the inode, or in blocks that begin with a head where the format is of version 5.
#include "storage/guest/xfs_link.h"

#include "storage/disk/big_endian.h"
#include "storage/guest/xfs_extents.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/error.h"

#include <algorithm>

namespace entrepot::guest {
namespace {

constexpr std::uint64_t kTargetBytesMax = 1024;  // XFS_SYMLINK_MAXLEN
constexpr std::uint32_t kMagic = 0x58534C4D;     // "XSLM"
constexpr std::size_t kHeadBytes = 56;
constexpr XfsBlockFields kFields{12, 40, 16, 32};

[[noreturn]] void fail(const char* what) {
    throw Error{ErrorCode::corrupt, std::string{"the link is damaged: "} + what};
}

// Each piece of blocks is a structure of its own.
void append_piece(const XfsVolume& volume, const XfsInode& inode, const FileExtent& extent,
                  std::string& target) {
    const std::uint64_t block_bytes = volume.geometry().block_bytes;
    if (extent.block_count > (kTargetBytesMax + kHeadBytes) / block_bytes + 1) {
        fail("it has too many blocks");
    }
    const Bytes piece = volume.read_blocks(extent.volume_block, extent.block_count);
    ByteView text{piece};
    if (volume.geometry().has_checksums) {
        disk::BigEndianReader in{piece};
        if (in.u32() != kMagic) fail("a block of it is of something else");
        volume.check_metadata(piece, kFields, extent.volume_block, inode.number,
                              "a block of the link");
        const std::uint32_t offset = in.u32();
        const std::uint32_t length = in.u32();
        text = text.subspan(kHeadBytes);
        if (offset != target.size() || length > text.size()) fail("its pieces do not fit");
        text = text.first(length);
    }
    const std::size_t rest = static_cast<std::size_t>(inode.size) - target.size();
    target += as_text(text.first(std::min(rest, text.size())));
}

}  // namespace

std::string read_xfs_link(const XfsVolume& volume, const XfsInode& inode) {
    ENTREPOT_CHECK(inode.kind == FileKind::link);
    if (inode.size == 0 || inode.size > kTargetBytesMax) fail("its length");
    const auto size = static_cast<std::size_t>(inode.size);
    if (inode.fork == XfsFork::local) {
        if (size > inode.fork_bytes.size()) fail("it has no room");
        return std::string{as_text(ByteView{inode.fork_bytes}.first(size))};
    }
    if (inode.fork != XfsFork::extents) fail("it has no place");
    std::string target;
    for (const FileExtent& extent : read_xfs_extents(volume, inode).written)
        append_piece(volume, inode, extent, target);
    if (target.size() != size) fail("a part of it is missing");
    return target;
}

}  // namespace entrepot::guest
