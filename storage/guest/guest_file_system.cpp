// Which reader is for which content.
#include "storage/guest/guest_file_system.h"

#include "storage/guest/tsk_file_system.h"
#include "storage/guest/xfs_file_system.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::guest {

std::unique_ptr<GuestFileSystem> open_file_system(const disk::DiskSource& volume,
                                                  VolumeContent content) {
    if (!is_readable(content)) {
        throw Error{
            ErrorCode::unsupported,
            fmt::format("files of this volume cannot be read: {}", reason_unreadable(content)),
            "entrepot restore disk gives the whole disk back as a file"};
    }
    if (content == VolumeContent::xfs) return open_xfs_file_system(volume);
    return open_tsk_file_system(volume, content);
}

}  // namespace entrepot::guest
