// Zeros that the source does not know as zeros are counted, though writers leave them out.
#include "storage/disk/target_size.h"

#include "storage/disk/target_writers.h"

#include <algorithm>

namespace entrepot::disk {
namespace {

/// Headers, metadata, journal, and what a file system needs to tell the holes.
constexpr std::uint64_t kSpareBytes = 16 * kMiB;
/// For each block of a dynamic image: its entry in the table, its bitmap, and what is lost because
/// both are aligned.
constexpr std::uint64_t kBlockBytes = 2 * kMiB;
constexpr std::uint64_t kBytesOfBlock = 8 * kKiB;
/// A qcow2 has entries of 8 and 2 bytes for each of its clusters.
constexpr std::uint64_t kClusterBytes = 64 * kKiB;
constexpr std::uint64_t kBytesOfCluster = 16;
/// Beyond so many extents the rest of a disk counts as data.
constexpr std::uint64_t kExtentsMax = 4'000'000;

std::uint64_t data_bytes_max(const DiskSource& source) {
    const std::uint64_t size = source.size_bytes();
    std::uint64_t bytes = 0;
    std::uint64_t count = 0;
    for (std::uint64_t offset = 0; offset < size;) {
        if (++count > kExtentsMax) return bytes + (size - offset);
        const DiskExtent extent = source.extent_at(offset, size - offset);
        if (extent.kind == ExtentKind::data) bytes += extent.length;
        offset += extent.length;
    }
    return bytes;
}

}  // namespace

std::uint64_t target_bytes_max(const DiskSource& source, const WriteOptions& options) {
    check_target_limits(source, options);
    const std::uint64_t data = data_bytes_max(source);
    const std::uint64_t blocks = source.size_bytes() / kBlockBytes + 1;
    const std::uint64_t clusters = source.size_bytes() / kClusterBytes + 1;
    switch (options.format) {
        case TargetFormat::raw:
        case TargetFormat::vhd_fixed:
            return data + kSpareBytes;
        case TargetFormat::vhdx:
        case TargetFormat::vhdx_fixed:
        case TargetFormat::vhdx_diff:
        case TargetFormat::vhd:
            return data + blocks * kBytesOfBlock + kSpareBytes;
        case TargetFormat::qcow2:
            // Written raw first, and converted from that.
            return 2 * data + clusters * kBytesOfCluster + kSpareBytes;
    }
    return data + kSpareBytes;
}

}  // namespace entrepot::disk
