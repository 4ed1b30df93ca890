// Images that a person names, with the parents that belong below them.
#pragma once

#include "storage/disk/image_chain.h"

#include "base/file_system.h"

#include <filesystem>
#include <memory>
#include <vector>

namespace entrepot::ctl {

/// Opens an image and its parents: those given (nearest first), or else those found beside each
/// child by identity, never by a path inside an image. The chain may end incomplete.
disk::ImageChain open_chain(FileSystem& file_system, const std::filesystem::path& image,
                            const std::vector<std::filesystem::path>& parents);

/// The parent of a child among the images in the child's directory, by identity; nullptr if it is
/// not there.
std::shared_ptr<const disk::DiskImage> find_parent_beside(FileSystem& file_system,
                                                          const disk::DiskImage& child);

/// As open_chain(); Error{parent_missing} for an incomplete chain.
disk::ImageChain open_complete_chain(FileSystem& file_system, const std::filesystem::path& image,
                                     const std::vector<std::filesystem::path>& parents);

}  // namespace entrepot::ctl
