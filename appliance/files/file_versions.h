// One path in the points of a VM: where it is, and which of them hold the same file.
#pragma once

#include "appliance/files/guest_files.h"
#include "storage/guest_model/file_entry.h"
#include "storage/repository/repository.h"

#include "base/clock.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::files {

/// The same disk is known by its id, the same partition by its number.
struct VersionPlace {
    std::string disk_id;
    std::uint32_t volume = 0;
    std::string path;
};

/// Equal in two points where, as far as the file system tells, nobody wrote to the file in between:
/// same kind, size, time and record.
std::string version_key(const guest::FileEntry& entry);

struct PointMoment {
    std::string id;
    WallTime time{};
};

struct FileVersion {
    std::string key;
    guest::FileEntry entry;
    std::vector<PointMoment> points;  ///< Newest first.
};

struct UnreadPoint {
    PointMoment point;
    std::string reason;
};

struct VersionPage {
    std::vector<FileVersion> versions;  ///< By their newest points, newest first.
    std::vector<PointMoment> absent;    ///< Points that have no such file.
    std::vector<UnreadPoint> unread;    ///< Points that cannot tell.
    /// The sequence number of the last point that was looked at, where there are older ones.
    std::optional<std::uint64_t> next;
};

struct VersionLimits {
    std::size_t point_count_max = 100;
    /// After this time the page ends behind the point that was being looked at.
    std::chrono::milliseconds time_max{10'000};
};

/// Looks into the points, which are given newest first. What keeps one point from telling is its
/// answer; throws what is about all of them.
VersionPage find_versions(GuestFiles& files, Clock& clock,
                          const std::vector<repository::PointSummary>& points,
                          const VersionPlace& place, const VersionLimits& limits);

}  // namespace entrepot::files
