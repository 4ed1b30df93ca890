// The files of one disk of a point, for work that asks many questions.
#pragma once

#include "storage/guest_model/file_entry.h"
#include "storage/guest_model/protocol.h"
#include "storage/guest_model/volume.h"

#include "base/bytes.h"

#include <cstdint>
#include <string>

namespace entrepot::files {

/// As guest::GuestReader, however long it takes: what ends a reader does not end the work. For one
/// thread at a time.
class DiskFiles {
public:
    virtual ~DiskFiles() = default;
    virtual guest::VolumeTable volumes() = 0;
    virtual guest::FolderPage list(std::uint32_t volume, const std::string& path,
                                   const guest::PageRequest& page) = 0;
    virtual guest::FileStatus status(std::uint32_t volume, const std::string& path) = 0;
    /// At most guest::limits::kReadBytesMax at a time.
    virtual Bytes read(std::uint32_t volume, const std::string& path, const std::string& stream,
                       const guest::DiskRange& range) = 0;
};

}  // namespace entrepot::files
