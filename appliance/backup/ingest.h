// From the disks of an export to a recovery point under construction: decides per disk what lies
// below it, and writes what is present.
#pragma once

#include "appliance/backup/base_view.h"
#include "appliance/backup/byte_range.h"
#include "appliance/backup/exported_disk.h"

#include "storage/repository/repository.h"

#include "base/file_system.h"
#include "base/progress.h"
#include "base/rate_limit.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::backup {

/// One disk with all that is decided about it.
struct DiskPlan {
    ExportedDisk disk;
    repository::DiskDraft draft;
    std::optional<std::uint32_t> base_index;  ///< Empty: the images are complete by themselves.
    repository::View base_view = repository::View::restore;
    std::vector<ByteRange> differing;  ///< Where that view may differ from the tracking view.
    std::string warning;
};

/// What is below the disks: a point of ours, and who says so.
struct Base {
    const repository::PointSummary* point = nullptr;  ///< Null: nothing; a differencing lowest
                                                      ///< image is Error{parent_missing} then.
    Voucher voucher = Voucher::nobody;
    IsImageOfOurs is_image_of_ours;
};

/// Decides what the disk lies on. The draft's sizes and images are taken from the image; its id and
/// index are the caller's. Throws Error{parent_missing}, Error{parent_mismatch}.
DiskPlan plan_disk(ExportedDisk disk, repository::DiskDraft draft, const Base& base);

/// Asks the repository for each image of each point. It must outlive the answer.
IsImageOfOurs make_image_lookup(repository::Repository& repository);

struct IngestPlan {
    repository::PointDraft draft;
    std::vector<DiskPlan> disks;
    std::vector<ExportFile> files;  ///< Configuration files to keep.
    bool wants_sha256 = false;
};

struct IngestServices {
    repository::Repository& repository;
    FileSystem& file_system;
    RateLimit* limit = nullptr;  ///< Of what is read of the images; absent: none.
};

/// Writes everything but the commit: all content is read, and all images looked at again, when it
/// returns.
std::unique_ptr<repository::PointWriter> write_point(const IngestServices& services,
                                                     const IngestPlan& plan, const Work& work);

/// True if any disk lies on the base point.
bool uses_base(const std::vector<DiskPlan>& disks);

/// The result document of `ingest` and `backup`.
Json point_result(const repository::PointSummary& point);

}  // namespace entrepot::backup
