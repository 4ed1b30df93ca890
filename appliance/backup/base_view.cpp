// Proof before merging; see base_view.h.
#include "appliance/backup/base_view.h"

#include "appliance/backup/exported_disk.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <optional>

namespace entrepot::backup {

using repository::ImageRecord;
using repository::View;

namespace {

constexpr const char* kMismatchHint =
    "Nothing was merged. Back the VM up in full, or name the point that this image was made from.";

View view_of(const ImageRecord& record) {
    return record.is_leaf ? View::restore : View::tracking;
}

bool names(const disk::ParentLocator& parent, const Guid& guid) {
    if (guid.is_null()) return false;
    return parent.linkage == guid || (parent.linkage2 && *parent.linkage2 == guid);
}

/// nullopt: no image fits, or several that stand for different content do.
template <typename Fits>
std::optional<View> find_view(const repository::DiskSummary& base, const Fits& fits) {
    std::optional<View> found;
    for (const ImageRecord& record : base.draft.images) {
        if (!fits(record)) continue;
        if (found && *found != view_of(record) && base.has_tracking_map) return std::nullopt;
        found = view_of(record);
    }
    return found;
}

void check_geometry(const disk::ImageInfo& lowest, const repository::DiskSummary& base) {
    if (lowest.size_bytes != base.draft.size_bytes) {
        throw Error{ErrorCode::parent_mismatch,
                    fmt::format("the image is for a disk of {} bytes, disk {} of the base has {}",
                                lowest.size_bytes, base.draft.index, base.draft.size_bytes),
                    kMismatchHint};
    }
    if (lowest.logical_sector_size != base.draft.logical_sector_size) {
        throw Error{ErrorCode::parent_mismatch,
                    fmt::format("the image has sectors of {} bytes, disk {} of the base of {}",
                                lowest.logical_sector_size, base.draft.index,
                                base.draft.logical_sector_size),
                    kMismatchHint};
    }
}

bool names_image_of_ours(const disk::ParentLocator& parent, const IsImageOfOurs& is_ours) {
    if (!parent.linkage.is_null() && is_ours(parent.linkage)) return true;
    return parent.linkage2 && !parent.linkage2->is_null() && is_ours(*parent.linkage2);
}

BaseView choose_without_linkage(const disk::ParentLocator& parent,
                                const repository::DiskSummary& base) {
    const std::string warning = fmt::format(
        "the image names a parent {} that we have no record of; it was merged because "
        "the host exported it against our reference point",
        parent.linkage.to_string());
    const std::string name = parent.leaf_name();
    const auto by_name = find_view(base, [&name](const ImageRecord& record) {
        return !name.empty() && equal_names(record.file_name, name);
    });
    if (by_name) return {*by_name, false, warning};
    if (!base.has_tracking_map) return {View::restore, false, warning};
    throw Error{ErrorCode::parent_mismatch,
                fmt::format("neither linkage {} nor file name '{}' says whether the image belongs "
                            "onto the disk with or without its auto-recovery writes",
                            parent.linkage.to_string(), name),
                kMismatchHint};
}

}  // namespace

bool is_linked_to(const disk::ImageInfo& lowest, const repository::DiskSummary& base) {
    if (!lowest.parent) return false;
    for (const ImageRecord& record : base.draft.images) {
        if (names(*lowest.parent, record.data_write_guid)) return true;
    }
    return false;
}

BaseView choose_base_view(const disk::ImageInfo& lowest, const repository::DiskSummary& base,
                          Voucher voucher, const IsImageOfOurs& is_image_of_ours) {
    ENTREPOT_CHECK(lowest.parent.has_value());
    const disk::ParentLocator& parent = *lowest.parent;
    check_geometry(lowest, base);
    if (lowest.format == disk::ImageFormat::vhd && voucher == Voucher::nobody) {
        throw Error{ErrorCode::parent_mismatch,
                    fmt::format("the image is a VHD and names its parent by the id {}, which stays "
                                "the same when the parent's data changes",
                                parent.linkage.to_string()),
                    "Nothing was merged. Give the parent image as well; then a full is taken."};
    }
    const auto by_linkage = find_view(base, [&parent](const ImageRecord& record) {
        return names(parent, record.data_write_guid);
    });
    if (by_linkage) return {*by_linkage, true, {}};
    if (voucher == Voucher::nobody) {
        throw Error{ErrorCode::parent_mismatch,
                    fmt::format("the image's parent is {}, which is no image of disk {} of the "
                                "base point",
                                parent.linkage.to_string(), base.draft.index),
                    kMismatchHint};
    }
    if (!is_linked_to(lowest, base) && names_image_of_ours(parent, is_image_of_ours)) {
        throw Error{ErrorCode::parent_mismatch,
                    fmt::format("the image's parent is {}, an image of another point or disk of "
                                "ours than the base",
                                parent.linkage.to_string()),
                    kMismatchHint};
    }
    return choose_without_linkage(parent, base);
}

}  // namespace entrepot::backup
