// The words for what is in a volume, in one table.
#include "storage/guest_model/volume.h"

#include <algorithm>
#include <array>

namespace entrepot::guest {
namespace {

struct ContentWords {
    VolumeContent content;
    std::string_view name;
    std::string_view reason;  ///< Empty: we read it.
};

constexpr std::array kWords{
    ContentWords{VolumeContent::unknown, "unknown", "what is in it is not known"},
    ContentWords{VolumeContent::empty, "empty", "there is no file system in it"},
    ContentWords{VolumeContent::ntfs, "ntfs", ""},
    ContentWords{VolumeContent::fat, "fat", ""},
    ContentWords{VolumeContent::ext, "ext", ""},
    ContentWords{VolumeContent::xfs, "xfs", ""},
    ContentWords{VolumeContent::exfat, "exfat", "exFAT cannot be read"},
    ContentWords{VolumeContent::refs, "refs", "ReFS cannot be read"},
    ContentWords{VolumeContent::btrfs, "btrfs", "btrfs cannot be read"},
    ContentWords{VolumeContent::bitlocker, "bitlocker",
                 "it is encrypted by BitLocker, and only the machine has the key"},
    ContentWords{VolumeContent::luks, "luks",
                 "it is encrypted by LUKS, and only the machine has the key"},
    ContentWords{VolumeContent::lvm, "lvm",
                 "it belongs to LVM; volumes of it that lie on this disk are listed by "
                 "themselves"},
    ContentWords{VolumeContent::md_raid, "md-raid", "it is a part of a Linux software RAID"},
    ContentWords{VolumeContent::swap, "swap", "it is swap space and holds no files"},
    ContentWords{VolumeContent::dynamic_disk, "dynamic-disk",
                 "it belongs to a dynamic disk of Windows, whose volumes cannot be read"},
    ContentWords{VolumeContent::storage_spaces, "storage-spaces",
                 "it belongs to Storage Spaces of Windows, whose volumes cannot be read"},
    ContentWords{VolumeContent::reserved, "reserved", "it is reserved and holds no files"},
};

const ContentWords& words_of(VolumeContent content) {
    return *std::ranges::find(kWords, content, &ContentWords::content);
}

}  // namespace

std::string_view to_string(VolumeContent content) {
    return words_of(content).name;
}

bool is_readable(VolumeContent content) {
    return words_of(content).reason.empty();
}

std::string_view reason_unreadable(VolumeContent content) {
    return words_of(content).reason;
}

std::optional<VolumeContent> volume_content_from(std::string_view name) {
    const auto found = std::ranges::find(kWords, name, &ContentWords::name);
    return found == kWords.end() ? std::nullopt : std::optional{found->content};
}

}  // namespace entrepot::guest
