// Names stand in the inode, or in blocks of data in the first 32 GiB of the folder's own space;
// what lies behind them only helps to find one name, and is not needed to list all.
#include "storage/guest/xfs_folder.h"

#include "storage/disk/big_endian.h"
#include "storage/guest/xfs_extents.h"
#include "storage/guest_model/limits.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace entrepot::guest {
namespace {

// Of a folder that is one block, and of one of several: of version 4, and of version 5.
constexpr std::uint32_t kSingleMagic = 0x58443242;            // "XD2B"
constexpr std::uint32_t kSingleMagicOfVersion5 = 0x58444233;  // "XDB3"
constexpr std::uint32_t kDataMagic = 0x58443244;              // "XD2D"
constexpr std::uint32_t kDataMagicOfVersion5 = 0x58444433;    // "XDD3"
constexpr std::size_t kDataHeadBytes = 16;
constexpr std::size_t kDataHeadBytesOfVersion5 = 64;
constexpr XfsBlockFields kDataFields{4, 8, 24, 40};
constexpr std::size_t kTailBytes = 8;
constexpr std::size_t kLeafEntryBytes = 8;

constexpr std::uint16_t kFreeTag = 0xFFFF;
constexpr std::size_t kEntryUnit = 8;
// Number, length of the name, name, and the tag that says where the entry begins.
constexpr std::size_t kEntryFixedBytes = 8 + 1 + 2;

[[noreturn]] void fail(const std::string& what) {
    throw Error{ErrorCode::corrupt, fmt::format("the folder is damaged: {}", what)};
}

class FolderReader {
public:
    FolderReader(const XfsVolume& volume, const XfsInode& inode)
        : volume_(volume), geometry_(volume.geometry()), inode_(inode) {}

    FolderNames read() {
        if (inode_.fork == XfsFork::local) {
            read_short_form();
        } else if (inode_.fork == XfsFork::extents || inode_.fork == XfsFork::tree) {
            read_blocks();
        } else {
            fail("its names have no place");
        }
        names_.finish();
        return std::move(names_);
    }

private:
    void add(ByteView raw, std::uint64_t number, std::uint8_t file_type) {
        if (raw.empty()) fail("a name is empty");
        FolderName name;
        name.address = number;
        name.file_type = file_type;
        names_.add(as_text(raw), std::move(name));
    }

    // Numbers have four bytes unless one of them needs eight.
    void read_short_form() {
        if (inode_.size > inode_.fork_bytes.size()) fail("its names have no room");
        const ByteView content =
            ByteView{inode_.fork_bytes}.first(static_cast<std::size_t>(inode_.size));
        disk::BigEndianReader in{content};
        const std::size_t count = in.u8();
        const bool has_long_numbers = in.u8() != 0;
        const auto read_number = [&] { return has_long_numbers ? in.u64() : in.u32(); };
        read_number();  // The folder above.
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t length = in.u8();
            in.bytes(2);
            const ByteView name = in.bytes(length);
            const std::uint8_t file_type = geometry_.has_file_types ? in.u8() : 0;
            add(name, read_number(), file_type);
        }
    }

    void read_blocks() {
        const std::size_t block_bytes = geometry_.folder_block_bytes;
        if (inode_.size > limits::kFolderBytesMax) {
            throw Error{ErrorCode::limit,
                        fmt::format("the folder has {} bytes, more than the {} that can be listed",
                                    inode_.size, limits::kFolderBytesMax)};
        }
        if (inode_.size == 0 || inode_.size % block_bytes != 0) fail("its size");
        const XfsExtents extents = read_xfs_extents(volume_, inode_);
        if (extents.has_unwritten) fail("a block of it was never written");
        for (std::uint64_t at = 0; at < inode_.size; at += block_bytes)
            read_folder_block(extents.written, at / geometry_.block_bytes);
    }

    // A block whose last name went away is a hole; there is none in part.
    void read_folder_block(const std::vector<FileExtent>& extents, std::uint64_t first_block) {
        const std::uint64_t count = geometry_.folder_block_bytes / geometry_.block_bytes;
        const auto is_before = [](const FileExtent& extent, std::uint64_t block) {
            return extent.first_block + extent.block_count <= block;
        };
        const auto found = std::lower_bound(extents.begin(), extents.end(), first_block, is_before);
        if (found == extents.end() || found->first_block >= first_block + count) {
            if (first_block == 0) fail("its beginning is missing");
            return;
        }
        std::uint64_t covered = 0;
        for (auto one = found; one != extents.end() && one->first_block < first_block + count;
             ++one) {
            covered += std::min(one->first_block + one->block_count, first_block + count) -
                       std::max(one->first_block, first_block);
        }
        if (covered != count) fail(fmt::format("a part of block {} is missing", first_block));
        Bytes block(geometry_.folder_block_bytes);
        read_through(extents, volume_.metadata(), volume_.block_geometry(),
                     first_block * geometry_.block_bytes, block);
        const std::uint64_t volume_block = found->volume_block + (first_block - found->first_block);
        read_entries(block, first_block, volume_block);
    }

    void read_entries(ByteView block, std::uint64_t first_block, std::uint64_t volume_block) {
        const bool is_new = geometry_.has_checksums;
        const std::uint32_t magic = disk::BigEndianReader{block}.u32();
        const bool is_single = magic == (is_new ? kSingleMagicOfVersion5 : kSingleMagic);
        if (!is_single && magic != (is_new ? kDataMagicOfVersion5 : kDataMagic)) {
            fail(fmt::format("block {} is of something else", first_block));
        }
        volume_.check_metadata(block, kDataFields, volume_block, inode_.number,
                               "a block of the folder");
        std::size_t end = block.size();
        if (is_single) {
            if (inode_.size != block.size()) fail("it has more blocks than its first one says");
            const std::size_t count = disk::BigEndianReader{block.last(kTailBytes)}.u32();
            const std::size_t room = block.size() - kTailBytes - kDataHeadBytesOfVersion5;
            if (count > room / kLeafEntryBytes) fail("its index has no room");
            end -= kTailBytes + count * kLeafEntryBytes;
        }
        std::size_t at = is_new ? kDataHeadBytesOfVersion5 : kDataHeadBytes;
        while (at < end)
            at += read_entry(block.subspan(at, end - at), at);
    }

    // Its length.
    std::size_t read_entry(ByteView rest, std::size_t at) {
        disk::BigEndianReader in{rest};
        if (disk::BigEndianReader{rest}.u16() == kFreeTag) {
            in.bytes(2);
            const std::size_t length = in.u16();
            if (length < kEntryUnit || length % kEntryUnit != 0 || length > rest.size()) {
                fail(fmt::format("a gap of {} bytes at {}", length, at));
            }
            check_tag(rest.first(length), at);
            return length;
        }
        const std::uint64_t number = in.u64();
        const std::size_t name_length = in.u8();
        const std::size_t used =
            kEntryFixedBytes + name_length + (geometry_.has_file_types ? 1 : 0);
        const std::size_t length = (used + kEntryUnit - 1) / kEntryUnit * kEntryUnit;
        if (length > rest.size()) fail(fmt::format("an entry at {} has no room", at));
        const ByteView name = in.bytes(name_length);
        const std::uint8_t file_type = geometry_.has_file_types ? in.u8() : 0;
        check_tag(rest.first(length), at);
        add(name, number, file_type);
        return length;
    }

    static void check_tag(ByteView entry, std::size_t at) {
        if (disk::BigEndianReader{entry.last(2)}.u16() != at) {
            fail(fmt::format("the entry at {} says that it stands elsewhere", at));
        }
    }

    const XfsVolume& volume_;
    const XfsGeometry& geometry_;
    const XfsInode& inode_;
    FolderNames names_{NameCase::matters};
};

}  // namespace

FolderNames read_xfs_folder(const XfsVolume& volume, const XfsInode& inode) {
    ENTREPOT_CHECK(inode.kind == FileKind::folder);
    return FolderReader{volume, inode}.read();
}

}  // namespace entrepot::guest
