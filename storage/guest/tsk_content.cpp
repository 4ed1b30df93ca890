// Tags and the layout of reparse data: MS-FSCC 2.1.2.
#include "storage/guest/tsk_content.h"

#include "storage/disk/utf16.h"
#include "storage/guest_model/limits.h"
#include "storage/guest_model/name.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace entrepot::guest {
namespace {

constexpr std::uint32_t kTagMountPoint = 0xA0000003;
constexpr std::uint32_t kTagSymlink = 0xA000000C;
constexpr std::uint32_t kTagWof = 0x80000017;
constexpr std::uint32_t kTagDedup = 0x80000013;
// IO_REPARSE_TAG_CLOUD and its fifteen sisters.
constexpr std::uint32_t kTagCloud = 0x9000001A;
constexpr std::uint32_t kTagCloudMask = 0xFFFF0FFF;
// FILE_ATTRIBUTE_REPARSE_POINT of MS-FSCC 2.6, and where the attributes stand.
constexpr std::uint32_t kIsReparsePoint = 0x400;
constexpr TSK_OFF_T kFileAttributesOffset = 32;
constexpr std::size_t kReparseHeadBytes = 8;

struct TagWords {
    std::uint32_t tag;
    std::string_view words;
};

constexpr std::array kTags{
    TagWords{
        kTagWof,
        "Windows keeps it compressed or elsewhere (CompactOS, WOF), in a way that cannot be read "
        "here"},
    TagWords{kTagDedup,
             "Windows Server's deduplication keeps its content elsewhere, which cannot be read "
             "here"},
    TagWords{0xC0000004, "only a stub is here: its content was moved to other storage (HSM)"},
    TagWords{0x80000006, "only a stub is here: its content was moved to other storage (HSM2)"},
    TagWords{0x80000007, "its content is shared with other files (single instance store)"},
    TagWords{0x80000008, "its content lies in a WIM file"},
    TagWords{0x8000001B, "it leads to an application and holds nothing"},
};

bool is_data(const TSK_FS_ATTR& attribute) {
    return attribute.type == TSK_FS_ATTR_TYPE_NTFS_DATA ||
           attribute.type == TSK_FS_ATTR_TYPE_DEFAULT;
}

bool is_unnamed(const TSK_FS_ATTR& attribute) {
    return attribute.name == nullptr || attribute.name[0] == '\0';
}

// The print name if there is one, else the name for the system.
std::string decode_link_target(ByteView data, bool is_symlink) {
    LittleEndianReader in{data};
    in.skip(8);
    const std::uint16_t system_offset = in.u16();
    const std::uint16_t system_length = in.u16();
    const std::uint16_t print_offset = in.u16();
    const std::uint16_t print_length = in.u16();
    if (is_symlink) in.skip(4);
    const ByteView names = in.bytes(in.remaining());
    const bool has_print = print_length > 0;
    const std::size_t offset = has_print ? print_offset : system_offset;
    const std::size_t length = has_print ? print_length : system_length;
    if (offset > names.size() || length > names.size() - offset) return {};
    std::string target = disk::utf16le_to_utf8_lossy(names.subspan(offset, length));
    target.resize(std::min(target.size(), limits::kLinkTargetBytesMax));
    return target;
}

bool lies_in(const TSK_FS_INFO& file_system, const TSK_FS_ATTR_RUN& run) {
    const TSK_DADDR_T last = file_system.last_block_act;
    return run.addr <= last && run.len <= last - run.addr + 1;
}

// What lies nowhere, the library reads as zeros.
std::string refusal_of_runs(const TSK_FS_ATTR& content) {
    const TSK_FS_INFO& file_system = *content.fs_file->fs_info;
    // The library fills gaps between runs: ext means a hole by that, the others name their holes.
    const bool has_holes = TSK_FS_TYPE_ISEXT(file_system.ftype);
    std::size_t count = 0;
    TSK_DADDR_T block_count = 0;
    for (const TSK_FS_ATTR_RUN* run = content.nrd.run; run != nullptr; run = run->next) {
        const bool is_filler = (run->flags & TSK_FS_ATTR_RUN_FLAG_FILLER) != 0;
        if (is_filler && !has_holes) {
            return "the list of its blocks has a gap: the file system is damaged";
        }
        const bool is_sparse = (run->flags & TSK_FS_ATTR_RUN_FLAG_SPARSE) != 0;
        if (!is_filler && !is_sparse && !lies_in(file_system, *run)) {
            return "blocks of it lie beyond the end of the volume: the file system is damaged";
        }
        if (++count > limits::kRunsMax) return "it lies in too many pieces";
        block_count += run->len;
    }
    const auto size = static_cast<TSK_DADDR_T>(content.size) + content.nrd.skiplen;
    if (size / file_system.block_size > block_count) {
        return "it has fewer blocks than its size needs: the file system is damaged";
    }
    return {};
}

}  // namespace

bool ReparsePoint::is_link() const {
    return tag == kTagMountPoint || tag == kTagSymlink;
}

std::optional<ReparsePoint> read_reparse_point(TSK_FS_FILE& file) {
    const TSK_FS_ATTR* attribute =
        tsk_fs_file_attr_get_type(&file, TSK_FS_ATTR_TYPE_NTFS_REPARSE, 0, 0);
    if (attribute == nullptr) {
        tsk_error_reset();
        return std::nullopt;
    }
    Bytes data(static_cast<std::size_t>(
        std::clamp<TSK_OFF_T>(attribute->size, 0, limits::kReparseBytesMax)));
    const ssize_t count = tsk_fs_attr_read(attribute, 0, reinterpret_cast<char*>(data.data()),
                                           data.size(), TSK_FS_FILE_READ_FLAG_NONE);
    if (count < 4) {
        tsk_error_reset();
        return ReparsePoint{};  // Something is there, and nobody knows what: no link, no content.
    }
    data.resize(static_cast<std::size_t>(count));
    ReparsePoint point{load_u32(data, 0), {}};
    if (point.tag == kTagWof && data.size() >= kReparseHeadBytes) {
        point.wof_method = decode_wof_method(ByteView{data}.subspan(kReparseHeadBytes));
    }
    if (!point.is_link()) return point;
    try {
        point.link_target = decode_link_target(data, point.tag == kTagSymlink);
    } catch (const Error&) {
        // Cut off: it stays a link, to nowhere.
    }
    return point;
}

std::string refusal_of(const ReparsePoint& point) {
    const auto known = std::ranges::find(kTags, point.tag, &TagWords::tag);
    if (known != kTags.end()) return std::string{known->words};
    if ((point.tag & kTagCloudMask) == kTagCloud) {
        return "its content may be in the cloud only (OneDrive, Azure File Sync)";
    }
    return fmt::format("a program that we do not know keeps its content (reparse tag 0x{:08X})",
                       point.tag);
}

std::string refusal_of_lost_reparse_point(TSK_FS_FILE& file) {
    const TSK_FS_ATTR* information =
        tsk_fs_file_attr_get_type(&file, TSK_FS_ATTR_TYPE_NTFS_SI, 0, 0);
    Bytes field(4);
    const ssize_t count = information == nullptr
                              ? -1
                              : tsk_fs_attr_read(information, kFileAttributesOffset,
                                                 reinterpret_cast<char*>(field.data()),
                                                 field.size(), TSK_FS_FILE_READ_FLAG_NONE);
    tsk_error_reset();
    if (count != static_cast<ssize_t>(field.size())) {
        return "its standard information is missing: the file system is damaged";
    }
    if ((load_u32(field, 0) & kIsReparsePoint) != 0) {
        return "its reparse point is missing: the file system is damaged";
    }
    if (find_content(file, std::string{kWofStream}) != nullptr) {
        return refusal_of(ReparsePoint{kTagWof, {}});
    }
    return {};
}

const TSK_FS_ATTR* find_content(TSK_FS_FILE& file, const std::string& stream) {
    const bool is_ntfs = TSK_FS_TYPE_ISNTFS(file.fs_info->ftype);
    if (!is_ntfs) return stream.empty() ? tsk_fs_file_attr_get(&file) : nullptr;
    const int count = tsk_fs_file_attr_getsize(&file);
    for (int i = 0; i < count; ++i) {
        const TSK_FS_ATTR* attribute = tsk_fs_file_attr_get_idx(&file, i);
        if (attribute == nullptr || !is_data(*attribute)) continue;
        if (is_unnamed(*attribute) ? stream.empty() : escape_name(attribute->name) == stream) {
            return attribute;
        }
    }
    return nullptr;
}

std::vector<FileStream> list_streams(TSK_FS_FILE& file) {
    std::vector<FileStream> streams;
    if (!TSK_FS_TYPE_ISNTFS(file.fs_info->ftype)) return streams;
    const int count = tsk_fs_file_attr_getsize(&file);
    for (int i = 0; i < count && streams.size() < limits::kStreamsMax; ++i) {
        const TSK_FS_ATTR* attribute = tsk_fs_file_attr_get_idx(&file, i);
        if (attribute == nullptr || !is_data(*attribute) || is_unnamed(*attribute)) continue;
        std::string name = escape_name(attribute->name);
        if (!is_shown_name(name)) continue;
        streams.push_back(
            {std::move(name), static_cast<std::uint64_t>(std::max<TSK_OFF_T>(attribute->size, 0))});
    }
    return streams;
}

std::string refusal_of(const TSK_FS_ATTR& content, Look look) {
    if ((content.flags & TSK_FS_ATTR_ENC) != 0) {
        return "Windows keeps it encrypted (EFS), and only its user has the key";
    }
    if (content.size < 0) return "its size is negative: the file system is damaged";
    if ((content.flags & TSK_FS_ATTR_NONRES) == 0 || look == Look::flags) return {};
    return refusal_of_runs(content);
}

}  // namespace entrepot::guest
