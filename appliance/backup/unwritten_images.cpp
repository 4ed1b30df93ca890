// See unwritten_images.h.
#include "appliance/backup/unwritten_images.h"

#include "storage/disk/unwritten_blocks.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::backup {
namespace {

constexpr std::size_t kProbeBytes = kMiB;
constexpr const char* kProbeName = ".entrepot-zeros";

/// Some file systems compress, and show zeros that were written as a hole. This asks, since no list
/// of them would be complete.
bool keeps_zeros(FileSystem& file_system, const std::filesystem::path& folder) {
    const std::filesystem::path path = folder / kProbeName;
    bool is_kept = false;
    {
        const auto file = file_system.create(path);
        file->write(0, Bytes(kProbeBytes));
        file->sync();
        is_kept = file->find_data(0).has_value();
    }
    file_system.remove(path);
    return is_kept;
}

}  // namespace

void check_images_are_written(FileSystem& file_system, const std::filesystem::path& folder,
                              const ExportedDisk& disk, std::vector<std::string>& warnings) {
    for (const auto& layer : disk.restore.layers()) {
        const disk::UnwrittenBlocks found = disk::find_unwritten_blocks(*layer);
        if (found.count == 0) continue;
        const std::string what = fmt::format(
            "{}: nothing was ever written into {} of the {} blocks that it says it holds, from "
            "offset {} on",
            layer->file().path().filename().string(), found.count, found.content_count,
            found.first_offset);
        if (found.reach_end && keeps_zeros(file_system, folder)) {
            throw Error{ErrorCode::corrupt, what + " to its end",
                        "The host or the share's server went down while it was written, or ran "
                        "out of space. Look at both, then run the backup again."};
        }
        warnings.push_back(what +
                           "; they were taken as zeros. Compare with the guest, or run "
                           "entrepot backup --full");
    }
}

}  // namespace entrepot::backup
