// The volumes of a guest's disk: partitions, or the whole disk where there are none, and what is in
// each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::guest {

enum class VolumeContent {
    unknown,
    empty,  ///< Zeros where a file system would begin.
    ntfs,
    fat,
    ext,
    xfs,
    exfat,
    refs,
    btrfs,
    bitlocker,
    luks,
    lvm,
    md_raid,
    swap,
    dynamic_disk,
    storage_spaces,
    reserved,  ///< Of the operating system, without files: Microsoft's reserved partition, BIOS
               ///< boot.
};

/// "ntfs", "dynamic-disk": as it stands in JSON.
std::string_view to_string(VolumeContent content);
std::optional<VolumeContent> volume_content_from(std::string_view name);
/// True for what a file system of ours reads.
bool is_readable(VolumeContent content);
/// Why files cannot be read there, and what to do instead; empty for what is readable.
std::string_view reason_unreadable(VolumeContent content);

/// Logical volumes of LVM are numbered from here on, in the order of its description.
inline constexpr std::uint32_t kFirstLogicalVolume = 2000;

/// A range of bytes.
struct VolumePiece {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

struct Volume {
    /// As Linux numbers partitions; 0: the whole disk.
    std::uint32_t number = 0;
    std::uint64_t offset = 0;  ///< Of a logical volume: where its first piece lies.
    std::uint64_t length = 0;  ///< Within the disk, whatever the table says.
    /// Of a logical volume: its ranges of the disk, one behind the other. The reader's own, told to
    /// nobody; empty: the range above.
    std::vector<VolumePiece> pieces;
    std::string type;  ///< "lvm", "0x07", or the GUID of the type in upper case; may be empty.
    std::string name;  ///< Of the partition, as a GPT gives it; shown text.
    VolumeContent content = VolumeContent::unknown;
    std::string label;   ///< Of the file system; shown text.
    std::string notice;  ///< What people should know of it; may be empty.
};

struct VolumeTable {
    std::string scheme;  ///< "gpt", "mbr", "none"
    std::vector<Volume> volumes;
    std::vector<std::string> notices;  ///< What is wrong with the table itself.
};

}  // namespace entrepot::guest
