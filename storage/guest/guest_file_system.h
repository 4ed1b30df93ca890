// Files of a guest, whatever file system they lie in: folders by pages, what a file is, its bytes.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/guest_model/content_place.h"
#include "storage/guest_model/file_entry.h"
#include "storage/guest_model/volume.h"

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace entrepot::guest {

/// Paths are made of names as name.h shows them. Error{not_found} for what is not there,
/// Error{invalid} for a path that leads through a file, Error{conflict} for a name that two files
/// have, Error{corrupt} for what is damaged, Error{unsupported} for content that cannot be given.
/// Not for several threads. Nothing is ever followed: a link is a link.
class GuestFileSystem {
public:
    virtual ~GuestFileSystem() = default;
    virtual std::string label() = 0;
    virtual FolderPage list(const std::string& path, const PageRequest& page) = 0;
    virtual FileStatus status(const std::string& path) = 0;
    /// Fills the target from `offset`; requires that the range lies in the stream (an empty name:
    /// the file's content).
    virtual void read(const std::string& path, const std::string& stream, std::uint64_t offset,
                      MutableByteView target) = 0;
    /// As FileContent::locate() of what read() would read.
    virtual std::vector<ContentPlace> locate(const std::string& path, const std::string& stream,
                                             std::uint64_t offset, std::size_t count_max) = 0;
};

/// The volume's own disk outlives it. Error{unsupported} for content that we do not read, and for
/// kinds of it that would be read wrongly.
std::unique_ptr<GuestFileSystem> open_file_system(const disk::DiskSource& volume,
                                                  VolumeContent content);

}  // namespace entrepot::guest
