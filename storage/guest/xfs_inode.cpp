// Version 5 of the format has inodes of version 3, with a checksum and the number of each.
#include "storage/guest/xfs_inode.h"

#include "storage/disk/big_endian.h"
#include "storage/guest/entry_text.h"

#include "base/crc32c.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace entrepot::guest {
namespace {

constexpr std::uint16_t kMagic = 0x494E;  // "IN"
constexpr std::size_t kCoreBytes = 100;
constexpr std::size_t kCoreBytesOfVersion3 = 176;
constexpr std::size_t kChecksumOffset = 100;
constexpr unsigned kForkUnitBits = 3;
constexpr std::uint16_t kOnRealtimeDevice = 0x1;
constexpr std::uint64_t kHasBigTime = 0x8;
constexpr std::uint64_t kHasLargeCounts = 0x10;
constexpr std::uint64_t kSizeMax = std::numeric_limits<std::int64_t>::max();

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::int64_t kBigTimeBegin = -(std::int64_t{1} << 31U);

struct TypeOfMode {
    unsigned mode;
    FileKind kind;
    unsigned file_type;  ///< XFS_DIR3_FT_*
};

constexpr unsigned kTypeOfMode = 0170000;
constexpr std::array kTypes{
    TypeOfMode{0100000, FileKind::file, 1},  TypeOfMode{0040000, FileKind::folder, 2},
    TypeOfMode{0020000, FileKind::other, 3}, TypeOfMode{0060000, FileKind::other, 4},
    TypeOfMode{0010000, FileKind::other, 5}, TypeOfMode{0140000, FileKind::other, 6},
    TypeOfMode{0120000, FileKind::link, 7},
};

[[noreturn]] void fail(const char* what) {
    throw Error{ErrorCode::corrupt,
                fmt::format("its record in the file system is damaged: {}", what)};
}

struct Core {
    std::uint16_t mode = 0;
    std::uint8_t version = 0;
    std::uint8_t format = 0;
    std::uint32_t link_count = 0;
    std::uint64_t large_count = 0;
    std::uint64_t modified = 0;
    std::uint32_t count = 0;
    std::uint8_t fork_offset = 0;
    std::uint16_t flags = 0;
    std::uint64_t flags_2 = 0;  ///< Of version 3.
    std::size_t bytes = kCoreBytes;
};

Core decode_core(ByteView bytes, XfsInode& inode) {
    disk::BigEndianReader in{bytes};
    Core core;
    if (in.u16() != kMagic) fail("there is none");
    core.mode = in.u16();
    core.version = in.u8();
    core.format = in.u8();
    core.link_count = in.u16();
    in.bytes(8);  // Whose it is.
    const std::uint32_t link_count = in.u32();
    if (core.version != 1) core.link_count = link_count;
    in.bytes(4);
    core.large_count = in.u64();
    in.bytes(8);  // Accessed.
    core.modified = in.u64();
    in.bytes(8);  // Changed.
    inode.size = in.u64();
    inode.block_count = in.u64();
    in.bytes(4);
    core.count = in.u32();
    in.bytes(2);
    core.fork_offset = in.u8();
    in.bytes(7);
    core.flags = in.u16();
    inode.generation = in.u32();
    if (core.version < 3) return core;
    core.bytes = kCoreBytesOfVersion3;
    core.flags_2 = disk::BigEndianReader{bytes.subspan(120)}.u64();
    return core;
}

void check_version_3(const XfsVolume& volume, ByteView bytes, std::uint64_t place,
                     std::uint64_t number) {
    if (!volume.is_replayed(place, bytes.size()) &&
        load_u32(bytes, kChecksumOffset) != crc32c_with_zeroed_field(bytes, kChecksumOffset)) {
        fail("its checksum is wrong");
    }
    if (disk::BigEndianReader{bytes.subspan(152)}.u64() != number) {
        fail("it belongs to another number");
    }
    if (!std::ranges::equal(bytes.subspan(160, 16), volume.geometry().uuid)) {
        fail("it is of another file system");
    }
}

std::optional<WallTime> modified_of(const Core& core) {
    if ((core.flags_2 & kHasBigTime) != 0) {
        return wall_time_of(kBigTimeBegin +
                            static_cast<std::int64_t>(core.modified / kNanosecondsPerSecond));
    }
    return wall_time_of(static_cast<std::int32_t>(core.modified >> 32U));
}

void take_fork(const Core& core, ByteView bytes, XfsInode& inode) {
    const std::size_t room = bytes.size() - core.bytes;
    std::size_t length = room;
    if (core.fork_offset != 0) {
        length = std::size_t{core.fork_offset} << kForkUnitBits;
        if (length >= room) fail("its attributes have no room");
    }
    const ByteView fork = bytes.subspan(core.bytes, length);
    inode.fork_bytes.assign(fork.begin(), fork.end());
    if (core.format > static_cast<std::uint8_t>(XfsFork::tree)) {
        fail("its content has an unknown form");
    }
    inode.fork = static_cast<XfsFork>(core.format);
    inode.extent_count = (core.flags_2 & kHasLargeCounts) != 0 ? core.large_count : core.count;
}

}  // namespace

XfsInode read_xfs_inode(const XfsVolume& volume, std::uint64_t number) {
    const auto place = volume.find_inode(number);
    if (!place) fail("it would lie beyond the end of the volume");
    Bytes bytes(volume.geometry().inode_bytes);
    volume.metadata().read(*place, bytes);
    XfsInode inode;
    inode.number = number;
    const Core core = decode_core(bytes, inode);
    if ((core.version == 3) != volume.geometry().has_checksums || core.version == 0 ||
        core.version > 3) {
        fail("its version");
    }
    if (core.version == 3) check_version_3(volume, bytes, *place, number);
    const auto type = std::ranges::find(kTypes, core.mode & kTypeOfMode, &TypeOfMode::mode);
    if (core.mode == 0 || core.link_count == 0) {
        throw Error{ErrorCode::corrupt,
                    "its record in the file system is that of a deleted file, or of one that was "
                    "not written yet"};
    }
    if (type == kTypes.end()) fail("it is of no known kind");
    if (inode.size > kSizeMax) fail("its size is negative");
    inode.kind = type->kind;
    inode.file_type = type->file_type;
    inode.modified = modified_of(core);
    inode.is_realtime = type->kind == FileKind::file && (core.flags & kOnRealtimeDevice) != 0;
    take_fork(core, bytes, inode);
    return inode;
}

}  // namespace entrepot::guest
