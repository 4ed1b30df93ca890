// Offsets and magic numbers of the formats' own documents; the order asks the exact ones first.
#include "storage/guest/volume_content.h"

#include "storage/guest/ext_features.h"
#include "storage/guest/ext_replay.h"
#include "storage/guest/volume_source.h"
#include "storage/guest/xfs_log.h"
#include "storage/guest/xfs_replay.h"
#include "storage/guest/xfs_volume.h"
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

constexpr std::size_t kHeadBytes = 68 * 1024;

// BitLocker To Go keeps the look of a FAT volume and has this GUID in its boot sector.
constexpr std::size_t kToGoGuidOffset = 424;
constexpr std::array<unsigned char, 16> kToGoGuid{0x3b, 0xd6, 0x67, 0x49, 0x29, 0x2e, 0xd8, 0x4a,
                                                  0x83, 0x99, 0xf6, 0xa3, 0x39, 0xe3, 0xd0, 0x01};

// Linux: fs/ext4/ext4.h.
constexpr std::size_t kExtOffset = 1024;
constexpr std::uint16_t kExtMagic = 0xEF53;
constexpr std::uint32_t kExtNeedsRecovery = 0x4;

struct Signature {
    std::size_t offset;
    std::string_view text;
    VolumeContent content;
};

constexpr std::array kSignatures{
    Signature{3, "NTFS    ", VolumeContent::ntfs},
    Signature{3, "-FVE-FS-", VolumeContent::bitlocker},
    Signature{3, "EXFAT   ", VolumeContent::exfat},
    Signature{3, std::string_view{"ReFS\0\0\0\0", 8}, VolumeContent::refs},
    Signature{0, "XFSB", VolumeContent::xfs},
    Signature{0, "LUKS\xba\xbe", VolumeContent::luks},
    Signature{0, "SPACEDB ", VolumeContent::storage_spaces},
    Signature{64 * 1024 + 64, "_BHRfS_M", VolumeContent::btrfs},
    Signature{4096 - 10, "SWAPSPACE2", VolumeContent::swap},
    Signature{0, "\xfc\x4e\x2b\xa9", VolumeContent::md_raid},
    Signature{4096, "\xfc\x4e\x2b\xa9", VolumeContent::md_raid},
};

bool has_at(ByteView head, std::size_t offset, std::string_view text) {
    return offset <= head.size() && text.size() <= head.size() - offset &&
           as_text(head.subspan(offset, text.size())) == text;
}

std::uint16_t u16_at(ByteView head, std::size_t offset) {
    return LittleEndianReader{head.subspan(offset)}.u16();
}

std::string label_at(ByteView head, std::size_t offset, std::size_t length) {
    if (offset > head.size() || length > head.size() - offset) return {};
    std::string_view text = as_text(head.subspan(offset, length));
    text = text.substr(0, text.find('\0'));
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    return escape_name(text);
}

bool is_power_of_two(std::uint32_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

// A FAT boot sector has no magic number of its own: all of its geometry must make sense.
bool is_fat(ByteView head) {
    if (head.size() < 512 || u16_at(head, 510) != 0xAA55) return false;
    const auto jump = static_cast<unsigned char>(head[0]);
    const std::uint16_t sector = u16_at(head, 11);
    const auto cluster = static_cast<std::uint32_t>(head[13]);
    const auto copies = static_cast<std::uint32_t>(head[16]);
    const auto media = static_cast<std::uint32_t>(head[21]);
    return (jump == 0xEB || jump == 0xE9) && is_power_of_two(sector) && sector >= 512 &&
           sector <= 4096 && is_power_of_two(cluster) && u16_at(head, 14) != 0 &&
           (copies == 1 || copies == 2) && (media == 0xF0 || media >= 0xF8);
}

bool is_to_go(ByteView head) {
    if (head.size() < kToGoGuidOffset + kToGoGuid.size()) return false;
    return std::equal(
        kToGoGuid.begin(), kToGoGuid.end(), head.begin() + kToGoGuidOffset,
        [](unsigned char a, std::byte b) { return a == static_cast<unsigned char>(b); });
}

bool is_lvm(ByteView head) {
    constexpr std::array<std::size_t, 4> kLabelOffsets{0, 512, 1024, 1536};
    return std::ranges::any_of(kLabelOffsets, [&](std::size_t offset) {
        return has_at(head, offset, "LABELONE") && has_at(head, offset + 24, "LVM2 001");
    });
}

bool is_ext(ByteView head) {
    return head.size() >= kExtOffset + 1024 && u16_at(head, kExtOffset + 56) == kExtMagic;
}

constexpr const char* kReplayed =
    "it was in use when the point was made: files are as its journal has them, and what programs "
    "had not written yet is missing";

std::string notice_not_replayed(const Error& error) {
    return fmt::format(
        "it was in use when the point was made and its journal is not replayed here ({}): what was "
        "written last may be missing, or as it was before",
        error.message());
}

std::string notice_of_ext(const disk::DiskSource& volume) {
    try {
        check_ext_features(volume);
        const auto replayed = replay_ext_journal(volume);
        if (!replayed || replayed->damage.empty()) return kReplayed;
        return fmt::format(
            "it was in use when the point was made and its journal is replayed in part ({}): what "
            "was written last may be missing, or as it was before",
            replayed->damage);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::io) throw;
        return notice_not_replayed(error);
    }
}

Recognised recognise_ext(const disk::DiskSource& volume, ByteView head) {
    const bool is_in_use = (load_u32(head, kExtOffset + 0x60) & kExtNeedsRecovery) != 0;
    return {VolumeContent::ext, label_at(head, kExtOffset + 0x78, 16),
            is_in_use ? notice_of_ext(volume) : std::string{}};
}

std::string notice_of_xfs_in_use(const XfsVolume& xfs) {
    try {
        replay_xfs_log(xfs);
        return kReplayed;
    } catch (const Error& error) {
        if (error.code() == ErrorCode::io) throw;
        return notice_not_replayed(error);
    }
}

// Files are moved and freed blocks are used again without a word in the places that are read here.
std::string notice_of_xfs(const disk::DiskSource& volume) {
    try {
        const XfsVolume xfs{volume};
        switch (read_xfs_log(xfs)) {
            case XfsLog::clean:
                return {};
            case XfsLog::in_use:
                return notice_of_xfs_in_use(xfs);
            case XfsLog::outside:
                return "its journal lies on another disk: what was written last may be missing, "
                       "or as it was before";
        }
    } catch (const Error& error) {
        if (error.code() == ErrorCode::io) throw;
        return error.message();  // It says what opening it will say.
    }
    return {};
}

Recognised recognise_xfs(const disk::DiskSource& volume, ByteView head) {
    return {VolumeContent::xfs, label_at(head, 108, 12), notice_of_xfs(volume)};
}

Recognised recognise_fat(ByteView head) {
    if (is_to_go(head)) return {VolumeContent::bitlocker, {}, {}};
    // FAT32 has no fixed root folder; its label stands behind more fields.
    const bool is_fat32 = u16_at(head, 17) == 0 && u16_at(head, 22) == 0;
    std::string label = label_at(head, is_fat32 ? 0x47 : 0x2B, 11);
    if (label == "NO NAME") label.clear();
    return {VolumeContent::fat, std::move(label), {}};
}

}  // namespace

Recognised recognise_content(const disk::DiskSource& volume) {
    const Bytes head = read_up_to(volume, 0, kHeadBytes);
    for (const Signature& signature : kSignatures) {
        if (!has_at(head, signature.offset, signature.text)) continue;
        if (signature.content == VolumeContent::xfs) return recognise_xfs(volume, head);
        return {signature.content, {}, {}};
    }
    if (is_lvm(head)) return {VolumeContent::lvm, {}, {}};
    if (is_ext(head)) return recognise_ext(volume, head);
    if (is_fat(head)) return recognise_fat(head);
    return {is_zero(head) ? VolumeContent::empty : VolumeContent::unknown, {}, {}};
}

}  // namespace entrepot::guest
