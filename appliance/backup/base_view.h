// Onto which content of a base point a differencing image belongs, and what proves it.
#pragma once

#include "storage/disk/disk_image.h"
#include "storage/repository/repository.h"

#include "base/guid.h"

#include <functional>
#include <string>

namespace entrepot::backup {

/// What stands behind the claim that the image belongs onto the base at all.
enum class Voucher {
    reference_point,  ///< We named the base to the host, and it exported against it.
    nobody,           ///< Files that a person gave us.
};

struct BaseView {
    repository::View view = repository::View::restore;
    bool is_proven_by_linkage = false;
    std::string warning;  ///< Not empty where the linkage was unknown to us.
};

/// True for the DataWriteGuid of any image of any of our points.
using IsImageOfOurs = std::function<bool(const Guid&)>;

/// Decides for the lowest image of a chain. Linkage proves first; where a reference point vouches
/// and the linkage is unknown to us, the parent's file name does, or that the base has one content
/// only. Throws Error{parent_mismatch} where nothing proves it: another image of ours is named, the
/// size or sector size differ, or base and leaf can't be told apart.
BaseView choose_base_view(const disk::ImageInfo& lowest, const repository::DiskSummary& base,
                          Voucher voucher, const IsImageOfOurs& is_image_of_ours);

/// True if the image's parent is one of the base disk's images by linkage.
bool is_linked_to(const disk::ImageInfo& lowest, const repository::DiskSummary& base);

}  // namespace entrepot::backup
