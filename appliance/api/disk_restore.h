// A disk restored into a file of the appliance: what was asked for, where it may go, and what it
// would meet.
#pragma once

#include "appliance/api/request.h"
#include "appliance/api/services.h"
#include "storage/repository/repository.h"

#include "base/json.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace entrepot::api {

struct DiskRestore {
    repository::PointSummary point;
    std::string disk;  ///< As it was asked for: a number, or a disk's id.
    std::filesystem::path target;
    std::string format;
    bool is_local = false;  ///< Asked on the appliance itself.
};

/// Throws Error{invalid} for what is no such request or no absolute path, Error{usage} for another
/// format, Error{not_found} for the point.
DiskRestore decode_disk_restore(const Request& request, Services& services);

/// What a guest wrote must not become a file of the system: over the network only one directory is
/// written to, and nothing below it, where somebody's link could lead elsewhere. Whoever is on the
/// appliance may write wherever the daemon can. Error{access_denied}.
void require_place(const config::Config& config, const DiskRestore& restore);

/// Asks what the job will ask, and whether there is room, each as a check; as DiskRestorePreflight
/// of the OpenAPI document. Leaves nothing behind. Error{not_found} for the disk. Of a place where
/// the caller may not write nothing is told, not even whether it exists.
Json check_disk_restore(FileSystem& file_system, repository::Repository& repository,
                        const config::Config& config, const DiskRestore& restore);

}  // namespace entrepot::api
