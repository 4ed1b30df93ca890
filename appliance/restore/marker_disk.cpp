// See marker_disk.h.
#include "appliance/restore/marker_disk.h"

#include "storage/disk/disk_source.h"
#include "storage/disk/disk_writer.h"

#include "base/progress.h"

#include <algorithm>

namespace entrepot::restore {
namespace {

// Hyper-V makes none below 3 MiB.
constexpr std::uint64_t kSizeBytes = 4 * kMiB;

class EmptyDisk final : public disk::DiskSource {
public:
    std::uint64_t size_bytes() const override { return kSizeBytes; }
    std::uint32_t logical_sector_size() const override { return 512; }
    void read(std::uint64_t, MutableByteView target) const override {
        std::fill(target.begin(), target.end(), std::byte{0});
    }
    disk::DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override {
        return {offset, std::min(length_max, kSizeBytes - offset), disk::ExtentKind::zero};
    }
};

}  // namespace

void write_marker_disk(FileSystem& file_system, Random& random, const Guid& id,
                       const std::filesystem::path& path) {
    if (file_system.exists(path)) return;
    NullProgress progress;
    disk::WriteOptions options;
    options.format = disk::TargetFormat::vhdx;
    options.virtual_disk_id = id;
    disk::write_disk(file_system, random, EmptyDisk{}, path, options, Work{progress});
}

}  // namespace entrepot::restore
