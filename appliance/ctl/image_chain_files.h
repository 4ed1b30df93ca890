// Images that a person names, with the parents that belong below them.
#pragma once

#include "storage/disk/image_chain.h"

#include "base/error.h"
#include "base/file_system.h"

#include <filesystem>
#include <memory>
#include <vector>

namespace entrepot::ctl {

/// Opens an image and its parents: those given, and what is not among them from beside each child;
/// by identity, never by a path inside an image. The chain may end incomplete. Throws
/// Error{corrupt} for an image that is its own ancestor, Error{limit} for too deep a chain.
disk::ImageChain open_chain(FileSystem& file_system, const std::filesystem::path& image,
                            const std::vector<std::filesystem::path>& parents);

/// As open_chain(); for an incomplete chain it throws what explain_missing_parent() says.
disk::ImageChain open_complete_chain(FileSystem& file_system, const std::filesystem::path& image,
                                     const std::vector<std::filesystem::path>& parents);

/// The parent of a child among the images in the child's directory, by identity; nullptr if it is
/// not there. It may be the child itself, if that names itself.
std::shared_ptr<const disk::DiskImage> find_parent_beside(FileSystem& file_system,
                                                          const disk::DiskImage& child);

/// Why find_parent_beside() found none: Error{parent_missing}; Error{parent_mismatch} where a file
/// of the parent's name is another image; the reader's error where that file cannot be opened.
Error explain_missing_parent(FileSystem& file_system, const disk::DiskImage& child);

}  // namespace entrepot::ctl
