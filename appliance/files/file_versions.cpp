// Point by point, since each has its own folders on the way.
#include "appliance/files/file_versions.h"

#include "appliance/files/folder_walk.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::files {
namespace {

void add(VersionPage& page, const PointMoment& point, const guest::FileEntry& entry) {
    std::string key = version_key(entry);
    const auto known = std::ranges::find(page.versions, key, &FileVersion::key);
    if (known != page.versions.end()) {
        known->points.push_back(point);
    } else {
        page.versions.push_back({std::move(key), entry, {point}});
    }
}

void look_into(GuestFiles& files, const repository::PointSummary& point, const VersionPlace& place,
               VersionPage& page) {
    const PointMoment moment{point.id, point.time};
    const auto disk = std::ranges::find_if(point.disks, [&](const repository::DiskSummary& one) {
        return one.draft.id == place.disk_id;
    });
    if (disk == point.disks.end()) {
        page.absent.push_back(moment);
        return;
    }
    try {
        const guest::FileStatus status =
            files.status({{point.id, disk->draft.index}, place.volume, place.path});
        add(page, moment, status.entry);
    } catch (const Error& error) {
        // On the way to it there may have been a file where there is a folder now.
        const bool is_absent =
            error.code() == ErrorCode::not_found || error.code() == ErrorCode::invalid;
        if (is_absent) {
            page.absent.push_back(moment);
        } else if (is_of_one_file(error)) {
            page.unread.push_back({moment, error.what()});
        } else {
            throw;
        }
    }
}

}  // namespace

std::string version_key(const guest::FileEntry& entry) {
    const auto time = entry.modified ? entry.modified->time_since_epoch().count() : 0;
    return fmt::format("{}-{:x}-{:x}-{:x}", guest::to_string(entry.kind), entry.size_bytes, time,
                       entry.id);
}

VersionPage find_versions(GuestFiles& files, Clock& clock,
                          const std::vector<repository::PointSummary>& points,
                          const VersionPlace& place, const VersionLimits& limits) {
    const SteadyTime deadline = clock.steady_now() + limits.time_max;
    VersionPage page;
    for (std::size_t i = 0; i < points.size(); ++i) {
        look_into(files, points[i], place, page);
        const bool is_full = i + 1 >= limits.point_count_max || clock.steady_now() >= deadline;
        if (is_full && i + 1 < points.size()) {
            page.next = points[i].sequence;
            break;
        }
    }
    return page;
}

}  // namespace entrepot::files
