// Images that a person names, with the parents that belong below them.
#pragma once

#include "storage/disk/image_chain.h"

#include "base/error.h"
#include "base/file_system.h"
#include "base/guid.h"

#include <filesystem>
#include <map>
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

/// Looks for parents among the images in a child's directory, by identity. Each directory is gone
/// through once, however long the chain is.
class ParentSearch {
public:
    explicit ParentSearch(FileSystem& file_system) : file_system_(file_system) {}

    /// Nullptr if it is not there. It may be the child itself, if that names itself.
    std::shared_ptr<const disk::DiskImage> find_beside(const disk::DiskImage& child);

private:
    struct Candidate {
        std::filesystem::path path;
        disk::ImageFormat format = disk::ImageFormat::raw;
        Guid identity;
    };
    const std::vector<Candidate>& candidates_in(const std::filesystem::path& directory);

    FileSystem& file_system_;
    std::map<std::filesystem::path, std::vector<Candidate>> candidates_;
};

/// Why ParentSearch found none: Error{parent_missing}; Error{parent_mismatch} where a file
/// of the parent's name is another image; the reader's error where that file cannot be opened.
Error explain_missing_parent(FileSystem& file_system, const disk::DiskImage& child);

}  // namespace entrepot::ctl
