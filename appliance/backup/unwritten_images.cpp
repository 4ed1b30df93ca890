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
/// of them would be complete. Where it can't be asked, a hole is taken for what it looks like.
bool keeps_zeros(FileSystem& file_system, const std::filesystem::path& folder) {
    const std::filesystem::path path = folder / kProbeName;
    try {
        const auto file = file_system.create(path);
        file->write(0, Bytes(kProbeBytes));
        file->sync();
        const bool is_kept = file->find_data(0).has_value();
        file_system.remove(path);
        return is_kept;
    } catch (const Error&) {
        // What is left goes with the folder.
        return true;
    }
}

std::string describe(const disk::DiskImage& image, const disk::UnwrittenBlocks& found) {
    return fmt::format(
        "{}: nothing was ever written into {} of the {} blocks that its table says it holds, from "
        "offset {} of the file on",
        image.file().path().filename().string(), found.count, found.content_count,
        found.first_offset);
}

[[noreturn]] void refuse(const std::string& what) {
    throw Error{ErrorCode::corrupt, what,
                "The host, or what serves the share, went down or ran out of space while the image "
                "was written. Look at both, then run the backup again. If it fails the same way "
                "each time, this host leaves zeros out when it exports: test that with a restore "
                "after share.accept_holes = true in entrepot.toml."};
}

}  // namespace

void check_images_are_written(FileSystem& file_system, const std::filesystem::path& folder,
                              const ExportedDisk& disk, HolePolicy policy,
                              std::vector<std::string>& warnings) {
    for (const auto& layer : disk.restore.layers()) {
        const disk::UnwrittenBlocks found = disk::find_unwritten_blocks(*layer);
        if (found.count > 0) {
            const std::string what = describe(*layer, found);
            if (policy == HolePolicy::refuse && keeps_zeros(file_system, folder)) refuse(what);
            warnings.push_back(what + "; they were taken as zeros");
        } else if (found.ends_in_zeros) {
            warnings.push_back(fmt::format(
                "{}: the last block of the file is zeros as a whole. The guest may have written "
                "them; so may a host or a share that lost what was to be there. A full backup, "
                "or --full-every, compares",
                layer->file().path().filename().string()));
        }
    }
}

}  // namespace entrepot::backup
