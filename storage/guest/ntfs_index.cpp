// A folder is a tree: its root lies in the folder's record ($INDEX_ROOT), the other nodes are index
// records in $INDEX_ALLOCATION, and $BITMAP says which of those are in use. A listing needs no
// order, so the records are read one after another. Layout: fs/ntfs3/ntfs.h of Linux.
#include "storage/guest/ntfs_index.h"

#include "storage/disk/utf16.h"
#include "storage/guest/tsk_content.h"
#include "storage/guest_model/limits.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::guest {
namespace {

constexpr std::string_view kIndexName = "$I30";
constexpr std::string_view kRecordMagic = "INDX";
constexpr std::size_t kRootHeadBytes = 16;
constexpr std::size_t kRecordHeadBytes = 24;
constexpr std::size_t kNodeHeadBytes = 16;
constexpr std::size_t kStrideBytes = 512;  // Of the update sequence, whatever the sectors are.
constexpr std::size_t kIndexRecordBytesMin = 512;
constexpr std::size_t kIndexRecordBytesMax = 64 * kKiB;
constexpr std::size_t kIndexEntryBytes = 16;
constexpr std::size_t kNameLengthOffset = 64;  // In the key, which is as $FILE_NAME.
constexpr std::size_t kSubnodeBytes = 8;
constexpr std::uint32_t kHasSubnodes = 1;
constexpr std::uint8_t kLeadsToSubnode = 1;
constexpr std::uint8_t kIsLast = 2;
constexpr std::uint8_t kDosNamespace = 2;

[[noreturn]] void fail_folder(std::string_view what) {
    throw Error{ErrorCode::corrupt, fmt::format("the folder is damaged: {}", what)};
}

const TSK_FS_ATTR* find_index_attribute(TSK_FS_FILE& folder, TSK_FS_ATTR_TYPE_ENUM type) {
    const int count = tsk_fs_file_attr_getsize(&folder);
    for (int i = 0; i < count; ++i) {
        const TSK_FS_ATTR* attribute = tsk_fs_file_attr_get_idx(&folder, i);
        if (attribute != nullptr && attribute->type == type && attribute->name != nullptr &&
            attribute->name == kIndexName) {
            return attribute;
        }
    }
    return nullptr;
}

class IndexReader {
public:
    IndexReader(TskImage& image, TSK_FS_FILE& folder, const NtfsNameSink& sink)
        : image_(image), folder_(folder), sink_(sink) {}

    void read() {
        const Bytes root =
            read_all(find(TSK_FS_ATTR_TYPE_NTFS_IDXROOT, "its index"), limits::kIndexRootBytesMax);
        if (root.size() < kRootHeadBytes + kNodeHeadBytes) fail_folder("its index is cut off");
        record_bytes_ = load_u32(root, 8);
        if (record_bytes_ < kIndexRecordBytesMin || record_bytes_ > kIndexRecordBytesMax ||
            (record_bytes_ & (record_bytes_ - 1)) != 0) {
            fail_folder(fmt::format("index records of {} bytes", record_bytes_));
        }
        const ByteView node = ByteView{root}.subspan(kRootHeadBytes);
        read_node(node);
        if ((load_u32(node, 12) & kHasSubnodes) != 0) read_records();
    }

private:
    const TSK_FS_ATTR& find(TSK_FS_ATTR_TYPE_ENUM type, std::string_view what) {
        const TSK_FS_ATTR* attribute = find_index_attribute(folder_, type);
        image_.check();
        tsk_error_reset();
        if (attribute == nullptr) fail_folder(fmt::format("{} is missing", what));
        const std::string refusal = refusal_of(*attribute, Look::runs);
        if (!refusal.empty()) fail_folder(refusal);
        return *attribute;
    }

    Bytes read_part(const TSK_FS_ATTR& attribute, std::uint64_t offset, std::size_t length) {
        Bytes bytes(length);
        const ssize_t count = tsk_fs_attr_read(&attribute, static_cast<TSK_OFF_T>(offset),
                                               reinterpret_cast<char*>(bytes.data()), bytes.size(),
                                               TSK_FS_FILE_READ_FLAG_NONE);
        image_.check();
        if (count != static_cast<ssize_t>(length)) image_.fail("the folder cannot be read");
        return bytes;
    }

    Bytes read_all(const TSK_FS_ATTR& attribute, std::size_t size_max) {
        const auto size = static_cast<std::uint64_t>(attribute.size);
        if (size == 0) return {};
        if (size > size_max) {
            throw Error{ErrorCode::limit, fmt::format("the folder's index has a part of {} bytes, "
                                                      "more than the {} that can be read",
                                                      size, size_max)};
        }
        return read_part(attribute, 0, static_cast<std::size_t>(size));
    }

    void read_records() {
        const TSK_FS_ATTR& records =
            find(TSK_FS_ATTR_TYPE_NTFS_IDXALLOC, "the larger part of its index");
        const Bytes used = read_all(find(TSK_FS_ATTR_TYPE_NTFS_BITMAP, "the bitmap of its index"),
                                    limits::kIndexBitmapBytesMax);
        const std::uint64_t count = static_cast<std::uint64_t>(records.size) / record_bytes_;
        for (std::uint64_t i = 0; i < used.size() * 8; ++i) {
            const auto bits = static_cast<unsigned>(used[static_cast<std::size_t>(i / 8)]);
            if ((bits >> (i % 8) & 1U) == 0) continue;
            if (i >= count) fail_folder(fmt::format("its index ends before record {}", i));
            Bytes record = read_part(records, i * record_bytes_, record_bytes_);
            check_record(record, i);
            read_node(ByteView{record}.subspan(kRecordHeadBytes));
        }
    }

    void check_record(Bytes& record, std::uint64_t number) const {
        if (as_text(ByteView{record}.first(kRecordMagic.size())) != kRecordMagic) {
            fail_folder(fmt::format("record {} of its index is none", number));
        }
        apply_update_sequence(record, number);
        const std::uint64_t cluster_bytes = folder_.fs_info->block_size;
        const std::uint64_t unit = cluster_bytes <= record_bytes_ ? cluster_bytes : kStrideBytes;
        if (load_u64(record, 16) != number * record_bytes_ / unit) {
            fail_folder(fmt::format("record {} of its index belongs elsewhere", number));
        }
    }

    // The last two bytes of each stride stand in the update sequence while a record is on disk, and
    // a number in their place tells that the whole record was written.
    void apply_update_sequence(Bytes& record, std::uint64_t number) const {
        LittleEndianReader in{ByteView{record}.subspan(4)};
        const std::size_t offset = in.u16();
        const std::size_t count = in.u16();
        const std::size_t strides = record_bytes_ / kStrideBytes;
        if (count != strides + 1 || offset > record.size() - 2 * count) {
            fail_folder(fmt::format("record {} of its index has no update sequence", number));
        }
        const Bytes sequence{record.begin() + static_cast<std::ptrdiff_t>(offset),
                             record.begin() + static_cast<std::ptrdiff_t>(offset + 2 * count)};
        for (std::size_t i = 1; i < count; ++i) {
            const std::size_t tail = i * kStrideBytes - 2;
            if (record[tail] != sequence[0] || record[tail + 1] != sequence[1]) {
                fail_folder(fmt::format("record {} of its index was written in part", number));
            }
            record[tail] = sequence[2 * i];
            record[tail + 1] = sequence[2 * i + 1];
        }
    }

    void read_node(ByteView node) {
        LittleEndianReader head{node};
        const std::size_t begin = head.u32();
        const std::size_t end = head.u32();
        if (begin < kNodeHeadBytes || begin > end || end > node.size()) {
            fail_folder("a part of its index has no bounds");
        }
        ByteView rest = node.subspan(begin, end - begin);
        while (rest.size() >= kIndexEntryBytes) {
            const std::size_t length = LittleEndianReader{rest.subspan(8)}.u16();
            if (length < kIndexEntryBytes || length > rest.size()) break;
            if (!read_entry(rest.first(length))) return;
            rest = rest.subspan(length);
        }
        fail_folder("a part of its index does not end");
    }

    // False for the last of a node, which has no name.
    bool read_entry(ByteView entry) {
        LittleEndianReader in{entry};
        const std::uint64_t reference = in.u64();
        in.skip(2);
        const std::size_t key_bytes = in.u16();
        const std::uint8_t flags = in.u8();
        in.skip(3);
        if ((flags & kIsLast) != 0) return false;
        const std::size_t subnode_bytes = (flags & kLeadsToSubnode) != 0 ? kSubnodeBytes : 0;
        if (key_bytes + subnode_bytes > in.remaining()) fail_folder("a name is too long");
        LittleEndianReader key{in.bytes(key_bytes)};
        key.skip(kNameLengthOffset);
        const std::size_t name_bytes = 2 * std::size_t{key.u8()};
        const bool is_for_dos = key.u8() == kDosNamespace;
        const ByteView name = key.bytes(name_bytes);
        if (name.empty()) fail_folder("a name is empty");
        if (is_for_dos) return true;
        sink_(disk::utf16le_to_utf8_lossy(name), reference & 0xFFFF'FFFF'FFFF,
              static_cast<std::uint32_t>(reference >> 48U));
        return true;
    }

    TskImage& image_;
    TSK_FS_FILE& folder_;
    const NtfsNameSink& sink_;
    std::size_t record_bytes_ = 0;
};

}  // namespace

void read_ntfs_names(TskImage& image, TSK_FS_FILE& folder, const NtfsNameSink& sink) {
    IndexReader{image, folder, sink}.read();
}

}  // namespace entrepot::guest
