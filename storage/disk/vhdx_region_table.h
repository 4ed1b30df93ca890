// Where the allocation table and the metadata of a VHDX lie (MS-VHDX 2.2.3).
#pragma once

#include "storage/disk/image_view.h"
#include "storage/disk/vhdx_format.h"

#include <string>
#include <vector>

namespace entrepot::disk::vhdx {

struct Regions {
    FileRange bat;
    FileRange metadata;
    /// Everything that no block may overlap: these two, the log, and regions we do not know.
    std::vector<FileRange> occupied;
};

/// Reads the first table, or the second where the first is damaged. Throws Error{corrupt}, and
/// Error{unsupported} for a required region that we do not know.
Regions read_regions(const ImageView& image, const FileRange& log,
                     std::vector<std::string>& warnings);

}  // namespace entrepot::disk::vhdx
